"""Writes members of arrays after md_p.h of Linux: md-VERSION-DEVICE.img, with the content of the
first file that is given, and one with the second file in it. make-assembly.sh has `mdadm --examine` look at each."""
import struct
import sys

MAGIC, KIB = 0xA92B4EFC, 1024
CONTENT = open(sys.argv[1], "rb").read()


def total(words):
    whole = sum(words)
    return ((whole & 0xFFFFFFFF) + (whole >> 32)) & 0xFFFFFFFF


def current(place, level, size, data, role, devices, events, name):
    """A superblock of version 1; places and sizes in bytes."""
    block = bytearray(256 + 2 * devices)
    put = lambda at, form, value: struct.pack_into("<" + form, block, at, value)
    put(0, "I", MAGIC), put(4, "I", 1)
    block[16:32] = bytes(range(16, 32))
    block[32:32 + len(name)] = name
    put(64, "Q", 1700000000), put(72, "i", level), put(80, "Q", size // 512)
    put(92, "I", devices), put(128, "Q", data[0] // 512), put(136, "Q", data[1] // 512)
    put(144, "Q", place // 512), put(160, "I", role)
    block[168:184] = bytes([role] * 16)
    put(192, "Q", 1700000000), put(200, "Q", events), put(208, "Q", 2**64 - 1)
    put(220, "I", devices)
    for number in range(devices):
        put(256 + 2 * number, "H", number)
    padded = block + bytes(-len(block) % 4)
    put(216, "I", total(struct.unpack(f"<{len(padded) // 4}I", padded)))
    return bytes(block)


def old(level, size, role, devices, events, minor):
    """A superblock of version 0.90."""
    words = [0] * 1024
    words[0], words[1], words[2] = MAGIC, 0, 90
    words[5], words[13], words[14], words[15] = 0x10111213, 0x14151617, 0x18191A1B, 0x1C1D1E1F
    words[6], words[7], words[8] = 1700000000, level & 0xFFFFFFFF, size // KIB
    words[9] = words[10] = devices
    words[11] = minor
    words[32], words[33], words[34], words[35] = 1700000000, 1, devices, devices
    words[39] = events
    for number in range(devices):
        words[128 + 32 * number:128 + 32 * number + 5] = [number, 7, number, number, 6]
    words[992:997] = [role, 7, role, role, 6]
    words[38] = total(words)
    return struct.pack("<1024I", *words)


def image(name, len_bytes, pieces):
    data = bytearray(len_bytes)
    for at, piece in pieces:
        data[at:at + len(piece)] = piece
    open(f"md-{name}.img", "wb").write(data)


size = len(CONTENT)
end = 256 * KIB
for number in range(2):
    last = end - 8 * KIB
    image(f"10-{number}", end, [(0, CONTENT),
          (last, current(last, 1, size, (0, size), number, 2, 5, b"host:boot"))])
    image(f"11-{number}", end, [(16 * KIB, CONTENT),
          (0, current(0, 1, size, (16 * KIB, size), number, 2, 5, b"0"))])
    image(f"12-{number}", end, [(16 * KIB, CONTENT),
          (4 * KIB, current(4 * KIB, 1, size, (16 * KIB, size), number, 2, 5, b"host:root"))])
    image(f"090-{number}", end, [(0, CONTENT), (end - 64 * KIB, old(1, size, number, 2, 5, 3))])
    half = size // 2
    image(f"linear-{number}", end, [(16 * KIB, CONTENT[number * half:number * half + half]),
          (4 * KIB, current(4 * KIB, -1, 0, (16 * KIB, half), number, 2, 5, b"join"))])
image("zero-0", end, [(4 * KIB, current(4 * KIB, 0, 0, (16 * KIB, size), 0, 2, 5, b"fast"))])
group = open(sys.argv[2], "rb").read()
image("lvm-0", len(group) + 64 * KIB, [(16 * KIB, group),
      (4 * KIB, current(4 * KIB, 1, len(group), (16 * KIB, len(group)), 0, 2, 5, b"host:7"))])
