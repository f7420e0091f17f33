#!/usr/bin/env python3
"""Makes the corpus of hostile databases: make.py OUTPUT-FOLDER. Needs zstd."""
import struct, subprocess, sys

out = sys.argv[1]


def save(name, data):
    subprocess.run(["zstd", "-q", "-19", "-f", "-o", f"{out}/{name}.zst"], input=bytes(data), check=True)


def sqlite(pages):
    """A database of `pages` pages of 4096 bytes whose table Packages has its root in page 2."""
    data = bytearray(4096 * pages)
    data[0:16] = b"SQLite format 3\0"
    struct.pack_into(">HBBBBBB", data, 16, 4096, 1, 1, 0, 64, 32, 32)
    sql = b"table" + b"Packages" * 2 + b"\x02"
    record = bytes([6, 13 + 10, 13 + 16, 13 + 16, 1, 13]) + sql
    cell = bytes([len(record), 1]) + record
    data[100] = 13
    struct.pack_into(">H", data, 103, 1)
    struct.pack_into(">H", data, 108, 3000)
    data[3000:3000 + len(cell)] = cell
    return data


# Every child of the root is the root.
data = sqlite(2)
data[4096] = 5
struct.pack_into(">H", data, 4096 + 3, 2000)
struct.pack_into(">I", data, 4096 + 8, 2)
for at in range(12, 4096 - 1, 2):
    struct.pack_into(">H", data, 4096 + at, 8)
save("sqlite-every-child-is-the-root", data)

# A row of 2 GiB whose chain is a circle of two pages, and a thousand rows that share it.
data = sqlite(4)
data[4096] = 13
struct.pack_into(">H", data, 4096 + 3, 1000)
for index in range(1000):
    struct.pack_into(">H", data, 4096 + 8 + 2 * index, 2500)
payload = bytes([0x87, 0xFF, 0xFF, 0xFF, 0x7F, 1]) + b"\x07\x00\x8f\xff\xff\xff\x72" + b"\0" * 600
data[4096 + 2500:4096 + 2500 + len(payload)] = payload
local = 489 + (0x7FFFFFFF - 489) % 4092
start = 2500 + 6 + (local if local <= 4061 else 489)
for at in range(2500 + 6 + 400, 4090):
    data[4096 + at] = 3 if at == start + 3 else 0
struct.pack_into(">I", data, 8192, 4)
struct.pack_into(">I", data, 12288, 3)
save("sqlite-overflow-in-a-circle", data)

# A leaf that says it has 65535 rows, each the same empty one.
data = sqlite(2)
data[4096] = 13
struct.pack_into(">H", data, 4096 + 3, 65535)
save("sqlite-65535-rows-of-nothing", data)

# A tree as wide as the file: leaves full of rows without a payload.
data = sqlite(300)
data[4096] = 5
struct.pack_into(">H", data, 4096 + 3, 290)
for index in range(290):
    struct.pack_into(">H", data, 4096 + 12 + 2 * index, 1000 + 5 * index)
    struct.pack_into(">I", data, 4096 + 1000 + 5 * index, 3 + index)
struct.pack_into(">I", data, 4096 + 8, 299)
for page in range(2, 300):
    data[4096 * page] = 13
    struct.pack_into(">H", data, 4096 * page + 3, 2040)
    for index in range(2040):
        struct.pack_into(">H", data, 4096 * page + 8 + 2 * index, 4090)
save("sqlite-six-hundred-thousand-rows", data)


def ndb(pages, slots):
    data = bytearray(4096 * pages)
    struct.pack_into("<4sIIII", data, 0, b"RpmP", 0, 1, slots, 1)
    for at in range(32, 4096 * slots, 16):
        data[at:at + 4] = b"Slot"
    return data


# Every slot names the same blob, of the whole file.
data = ndb(20, 10)
for at in range(32, 40960, 16):
    struct.pack_into("<III", data, at + 4, 1, 2560, 2560)
struct.pack_into("<4sIII", data, 40960, b"BlbS", 1, 1, 40000)
struct.pack_into(">II", data, 40976, 2499, 8)
save("ndb-every-slot-has-one-blob", data)


def bdb(pages, buckets, version=9):
    data = bytearray(4096 * pages)
    struct.pack_into("<IIII", data, 12, 0x061561, version, 4096, 0x0800)
    struct.pack_into("<IIII", data, 72, buckets, 0xFFFFFFFF, 0x7FFFFFFF, 1)
    for index in range(32):
        struct.pack_into("<I", data, 96 + 4 * index, 1)
    return data


# Buckets without end, all in pages of zeros.
save("bdb-four-thousand-million-buckets", bdb(400, 0xFFFFFFFF))

# A page of values that all share one chain of empty pages, which is a circle.
data = bdb(4, 0)
page = 4096
struct.pack_into("<HHBB", data, page + 20, 1000, 0, 1, 13)
for index in range(1000):
    struct.pack_into("<H", data, page + 26 + 2 * index, 4096 - (5 if index % 2 == 0 else 17))
for index in range(1, 1000):
    struct.pack_into("<H", data, page + 26 + 2 * index, 3000)
struct.pack_into("<BI", data, page + 3000, 1, 7)
struct.pack_into("<B3xII", data, page + 3000, 3, 2, 0x0FFFFFFF)
struct.pack_into("<IIHHBB", data, 8192 + 12, 0, 3, 1, 0, 0, 7)
struct.pack_into("<IIHHBB", data, 12288 + 12, 0, 2, 1, 0, 0, 7)
save("bdb-overflow-in-a-circle", data)

# A text of nothing but paragraphs that are no package.
save("dpkg-a-million-paragraphs", b"x\n\n" * 1000000)
save("dpkg-one-line-of-eight-mib", b"Package: " + b"y" * (8 << 20))
