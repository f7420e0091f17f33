"""Makes the hostile ISO 9660 disks and texts of LVM metadata of this folder, from a sample.

Usage: zstd -dc ../images/iso-rock.img.zst > ROCK; make-iso-lvm.py ROCK OUTPUT-FOLDER; needs zstd.
"""
import os
import subprocess
import sys

rock = open(sys.argv[1], "rb").read()


def save(name, data):
    path = os.path.join(sys.argv[2], name + ".zst")
    subprocess.run(["zstd", "-q", "-19", "-f", "-o", path], input=bytes(data), check=True)


HEAD = """# LVM2 metadata
bad {
id = "aaaaaa-0000-0000-0000-0000-0000-000000"
seqno = 1
format = "lvm2"
status = ["RESIZEABLE", "READ", "WRITE"]
flags = []
extent_size = 1
physical_volumes {
pv0 {
id = "aaaaaa-0000-0000-0000-0000-0000-000001"
device = "/dev/sda"
status = ["ALLOCATABLE"]
flags = []
dev_size = 1000000
pe_start = 0
pe_count = 1000000
}
}
logical_volumes {
"""


def segment(number, start, count, areas):
    pairs = ", ".join('"%s", %d' % area for area in areas)
    return (
        "segment%d {\nstart_extent = %d\nextent_count = %d\ntype = \"striped\"\n"
        "stripe_count = %d\nstripe_size = 8\nstripes = [%s]\n}\n"
        % (number, start, count, len(areas), pairs)
    )


def volume(number, name, segments, status='"READ", "WRITE", "VISIBLE"'):
    return (
        '%s {\nid = "bbbbbb-0000-0000-0000-0000-0000-%06d"\nstatus = [%s]\nflags = []\n'
        "segment_count = %d\n%s}\n" % (name, number, status, len(segments), "".join(segments))
    )


# Ten volumes, each 128 times on the next: more ways than could ever be followed.
stripes = [
    volume(i, "lv%d" % i, [segment(1, 0, 128, [("lv%d" % ((i + 1) % 10), 0)] * 128)])
    for i in range(10)
]
save("lvm-volumes-in-a-circle-of-stripes", (HEAD + "".join(stripes) + "}\n}\n").encode())

# 900 volumes, each on one of 6000 pieces.
pieces = [segment(k + 1, k, 1, [("pv0", k)]) for k in range(6000)]
users = [volume(i, "lv%d" % i, [segment(1, 0, 6000, [("big", 0)])]) for i in range(1, 900)]
text = HEAD + volume(0, "big", pieces, '"READ", "WRITE"') + "".join(users) + "}\n}\n"
save("lvm-many-volumes-on-one-of-many-pieces", text.encode())

# [ECMA-119] 8.4.18: the record of the root, whose first fields say where it is.
ROOT = 32768 + 156
disk = bytearray(rock)
for name in (b"BOOT", b"MANY", b"USR", b"ETC"):
    at = disk.index(b"\1\0\0\1" + bytes([len(name)]) + name) - 28
    disk[at + 2 : at + 10] = disk[ROOT + 2 : ROOT + 10]
save("iso-directories-in-a-circle", disk)


def both(number):
    return number.to_bytes(4, "little") + number.to_bytes(4, "big")


def record(identifier, block, length, flags, entries):
    body = bytes([0]) + both(block) + both(length) + bytes([124, 1, 1, 0, 0, 0, 0, flags, 0, 0])
    body += b"\1\0\0\1" + bytes([len(identifier)]) + identifier
    body += bytes((len(identifier) + 1) % 2) + entries
    body += bytes((len(body) + 1) % 2)
    return bytes([len(body) + 1]) + body


# A root of 3 MiB in which most records are of directories that are shown elsewhere; what is shown
# is the root again. The last ones go on in 31 blocks, each leading to the next.
SECTOR, CHAIN, START, LENGTH = 2048, 20, 64, 3 << 20
disk = bytearray(START * SECTOR + LENGTH)
disk[16 * SECTOR : 20 * SECTOR] = rock[16 * SECTOR : 20 * SECTOR]
disk[ROOT + 2 : ROOT + 18] = both(START) + both(LENGTH)
for block in range(CHAIN, CHAIN + 31):
    disk[block * SECTOR : block * SECTOR + 28] = b"CE\x1c\1" + both(block + 1) + both(0) + both(SECTOR)
mode = b"PX\x24\1" + both(0o40755) + both(1) + both(0) + both(0)
waiting = record(b"\0", START, LENGTH, 2, b"SP\7\1\xbe\xef\0" + mode)
waiting += record(b"\1", START, LENGTH, 2, mode)
count = 0
for sector in range(START, START + LENGTH // SECTOR):
    while len(waiting) <= SECTOR:
        data, count = waiting, count + 1
        moved = b"RE\4\1" if count % 1000 else b"CL\x0c\1" + both(START)
        if count > 58000:
            moved += b"CE\x1c\1" + both(CHAIN) + both(0) + both(SECTOR)
        waiting += record(b"%06d" % count, START, LENGTH, 2, moved)
    disk[sector * SECTOR : sector * SECTOR + len(data)] = data
    waiting = waiting[len(data) :]
print(count, "records")
save("iso-records-that-go-on-elsewhere", disk)
