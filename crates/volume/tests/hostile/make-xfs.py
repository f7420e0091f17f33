"""Makes the hostile XFS images of this folder out of the sound samples. Needs crc32c, zstd.
Usage: make-xfs.py OUTPUT-FOLDER
"""
import struct, subprocess, sys
from pathlib import Path

SAMPLES = Path(__file__).resolve().parent.parent / "images"
TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    TABLE.append(n)


def crc32c(data):
    c = 0xFFFFFFFF
    for byte in data:
        c = TABLE[(c ^ byte) & 255] ^ c >> 8
    return c ^ 0xFFFFFFFF


def sample(name):
    path = str(SAMPLES / f"{name}.img.zst")
    return bytearray(subprocess.run(["zstd", "-dqc", path], check=True, capture_output=True).stdout)


def save(name, image):
    path = str(Path(sys.argv[1]) / f"xfs-{name}.zst")
    subprocess.run(["zstd", "-19", "-qfo", path], input=bytes(image), check=True)


def seal(image, at, size, sum_at):
    image[at + sum_at : at + sum_at + 4] = bytes(4)
    struct.pack_into("<I", image, at + sum_at, crc32c(image[at : at + size]))


def inodes(image):
    return [at for at in range(0, len(image), 512) if image[at : at + 2] == b"IN" and image[at + 4] == 3]


def number(image, at):
    return struct.unpack_from(">Q", image, at + 152)[0]


def block_address(at):
    """4096 blocks of 4 KiB in the one group: numbers are linear."""
    return at // 4096


v5 = sample("xfs-v5")

# A tree of extents: the root claims nine levels, and its only child is its own child.
image = bytearray(v5)
node = next(at for at in range(0, len(image), 4096) if image[at : at + 4] == b"BMA3")
root = next(at for at in inodes(image) if image[at + 2 : at + 6] == b"\x81\x80\x03\x03")
struct.pack_into(">HH", image, root + 176, 9, 1)
half = (image[root + 82] * 8 - 4) // 16 * 8
struct.pack_into(">Q", image, root + 180 + half, block_address(node))
struct.pack_into(">HH", image, node + 4, 8, 1)
struct.pack_into(">Q", image, node + 56, number(image, root))
struct.pack_into(">Q", image, node + 72 + (4096 - 72) // 16 * 8, block_address(node))
seal(image, root, 512, 100)
seal(image, node, 4096, 64)
save("extent-tree-is-its-own-child", image)

# Folders in the inode lead back to the first of them; a link leads to itself.
image = bytearray(v5)
shorts = [at for at in inodes(image) if image[at + 2] >> 4 == 4 and image[at + 5] == 1]
for at in shorts:
    count, inode = image[at + 176], at + 182
    for _ in range(count):
        size = 3 + image[inode] + 1
        struct.pack_into(">I", image, inode + size, number(image, shorts[0]))
        inode += size + 4
    seal(image, at, 512, 100)
for at in inodes(image):
    if image[at + 2] >> 4 == 10 and image[at + 5] == 1:
        size = image[at + 63]
        image[at + 176 : at + 176 + size] = (b"good-link/" * 60)[:size]
        seal(image, at, 512, 100)
save("folders-and-links-in-a-circle", image)

# Files as long as can be, directories of terabytes, and more extents than there are.
image = bytearray(v5)
for at in inodes(image):
    size = 2**63 - 1 if image[at + 2] >> 4 == 8 else 2**24
    if image[at + 5] != 1 and at != inodes(image)[0]:
        struct.pack_into(">Q", image, at + 56, size)
    seal(image, at, 512, 100)
save("files-of-8-eib", image)

# The index of a directory: each leaf and node leads to itself, all names have one hash.
image = sample("xfs-1k")
for at in range(0, len(image), 1024):
    magic = image[at + 8 : at + 10]
    if magic not in (b"\x3d\xff", b"\x3e\xbe"):
        continue
    own = (2**35 // 1024) if magic == b"\x3e\xbe" else (2**35 // 1024 + 1)
    struct.pack_into(">II", image, at, own, own)
    count = struct.unpack_from(">H", image, at + 56)[0]
    for entry in range(at + 64, min(at + 64 + count * 8, at + 4096), 8):
        struct.pack_into(">I", image, entry, 0x7FFFFFFF)
        if magic == b"\x3e\xbe":
            struct.pack_into(">I", image, entry + 4, own)
    seal(image, at, 4096, 12)
save("index-in-a-circle", image)

START, SECTORS = 6 * 4096, 1368 * 8
DIRTY = sample("xfs-dirty")
UUID = bytes(DIRTY[32:48])


def log_of(data_of_record, length=32256, operations=2**32 - 1):
    """The log full of records of one cycle; without sums, as mkfs leaves them."""
    image = bytearray(DIRTY)
    step = length // 512 + 1
    last = SECTORS // step - 1
    for index in range(last + 1):
        at = index * step
        header = bytearray(512)
        struct.pack_into(">IIIIQQ", header, 0, 0xFEEDBABE, 1, 2, length, 1 << 32 | at, 1 << 32)
        struct.pack_into(">I", header, 40, operations)
        struct.pack_into(">I", header, 300, 1)
        header[304:320] = UUID
        struct.pack_into(">I", header, 320, 32768)
        data = bytearray(data_of_record(index, index == last)[:length].ljust(length, b"\0"))
        for sector in range(length // 512):
            header[44 + sector * 4 : 48 + sector * 4] = data[sector * 512 : sector * 512 + 4]
            struct.pack_into(">I", data, sector * 512, 1)
        place = START + at * 512
        image[place : place + 512 + length] = header + data
    rest = START + (last + 1) * step * 512
    image[rest : START + SECTORS * 512] = bytes(START + SECTORS * 512 - rest)
    return image


def operation(payload, flags=0, transaction=1):
    return struct.pack(">IIBBH", transaction, len(payload), 0x69, flags, 0) + payload


START_IT = operation(b"", 1) + operation(b"NART" + bytes(12))
COMMIT = operation(b"", 2)
FILL = bytes(32256)


def records(items, per_record):
    """One transaction over the whole log, finished in the last record."""
    def data(index, is_last):
        found = START_IT if index == 0 else b""
        found += b"".join(items(index * per_record + n) for n in range(per_record))
        return found + (COMMIT if is_last else b"")
    return data


def full_log(items, parts, per_record):
    image = log_of(records(items, per_record), operations=parts * per_record)
    # The first and the last have more.
    for index, more in ((0, 2), (SECTORS // 64 - 1, 1)):
        at = START + index * 64 * 512 + 40
        struct.pack_into(">I", image, at, parts * per_record + more)
    return image


def small_inode(n):
    description = struct.pack("<HHI32xQII", 0x123B, 2, 1, 0x2B40, 32, n % 32 * 512)
    return operation(description) + operation(b"NI")


def large_buffer(n):
    description = struct.pack("<HHHHQI", 0x123C, 129, 0, 256, 8 + n * 256 % 16000, 4) + b"\xff" * 16
    return operation(description) + b"".join(operation(b"\xee" * 128) for _ in range(128))


def new_inodes(n):
    description = struct.pack("<HH", 0x123F, 1) + struct.pack(">IIIIII", 0, 1 + n * 8 % 4000, 64, 512, 8, 1)
    return operation(description)


save("log-is-one-transaction-of-inodes", full_log(small_inode, 2, 370))
save("log-is-one-transaction-of-buffers", full_log(large_buffer, 129, 1))
save("log-makes-inodes-everywhere", full_log(new_inodes, 1, 780))
save("log-starts-transactions-only", log_of(lambda i, last: b"".join(
    operation(b"", 1, i % 16 * 2600 + n) for n in range(2600)), operations=2600))
save("log-of-lying-counts", log_of(lambda i, last: b"".join(
    struct.pack(">IIBBH", n, 0, 0x69, 4, 0) for n in range(2688)), operations=2**32 - 1))

# Every sector is a header that claims half a mebibyte.
image = bytearray(DIRTY)
for sector in range(SECTORS):
    header = bytearray(512)
    struct.pack_into(">IIIIQQ", header, 0, 0xFEEDBABE, 1, 2, 512 * 1024, 1 << 32 | sector, 1 << 32)
    struct.pack_into("<I", header, 32, 7)
    header[304:320] = UUID
    struct.pack_into(">I", header, 320, 32768)
    image[START + sector * 512 : START + sector * 512 + 512] = header
save("log-of-headers-only", image)
