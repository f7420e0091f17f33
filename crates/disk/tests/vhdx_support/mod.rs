//! A small VHDX image written after [MS-VHDX], field by field, and entries of its log. Nothing here is
//! shared with the library.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::path::Path;
use std::sync::Arc;

use detente_block::{ClosedGate, MemoryBackend, ReadError};
use detente_disk::{CheckReport, Image, OpenError, Severity};

pub(crate) const MIB: usize = 1 << 20;

/// Where things are, by the specification's names.
pub(crate) mod at {
    pub(crate) const HEADERS: [usize; 2] = [0x1_0000, 0x2_0000];
    pub(crate) const REGIONS: [usize; 2] = [0x3_0000, 0x4_0000];
    pub(crate) const LOG: usize = 0x10_0000;
    pub(crate) const BAT: usize = 0x20_0000;
    pub(crate) const METADATA: usize = 0x30_0000;
    /// Of the items: file parameters, disk size, sector sizes, id, locator.
    pub(crate) const ITEMS: usize = METADATA + 0x1_0000;
    pub(crate) const BLOCKS: usize = 0x40_0000;
    pub(crate) const BITMAP: usize = 0x60_0000;
}

/// The virtual size: five blocks of 1 MiB.
pub(crate) const SIZE: usize = 5 * MIB;
/// Payload blocks for each sector bitmap block, with blocks of 1 MiB and sectors of 512 bytes.
pub(crate) const CHUNK_RATIO: usize = 4096;
pub(crate) const LOG_GUID: [u8; 16] = [0x77; 16];
pub(crate) const DATA_WRITE_GUID: [u8; 16] = [0xdd; 16];

/// Overwrites a field.
pub(crate) fn put(image: &mut [u8], at: usize, field: &[u8]) {
    image[at..][..field.len()].copy_from_slice(field);
}

/// The GUID that is printed like this: its first three fields are stored little-endian.
pub(crate) fn guid(text: &str) -> [u8; 16] {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let digits = String::from_utf8(digits).unwrap();
    let big = u128::from_str_radix(&digits, 16).unwrap().to_be_bytes();
    let mut guid = big;
    guid[..4].reverse();
    guid[4..6].reverse();
    guid[6..8].reverse();
    guid
}

/// Computes the checksum of `len` bytes at `start`.
fn sum(image: &mut [u8], start: usize, len: usize) {
    put(image, start + 4, &[0; 4]);
    let crc = crc32c::crc32c(&image[start..][..len]);
    put(image, start + 4, &crc.to_le_bytes());
}

/// Makes all checksums right again.
pub(crate) fn seal(image: &mut [u8]) {
    for header in at::HEADERS {
        sum(image, header, 4096);
    }
    for table in at::REGIONS {
        sum(image, table, 0x1_0000);
    }
}

/// A dynamic image: block 0 holds 0x11, block 1 is not there, block 2 is zero, block 3 is unmapped,
/// block 4 holds 0x44. The first header is the older one.
pub(crate) fn sound() -> Vec<u8> {
    let mut image = vec![0; 7 * MIB];
    put(&mut image, 0, b"vhdxfile");
    put(&mut image, 8, b"b\0y\0 \0h\0a\0n\0d\0");
    for (header, sequence) in at::HEADERS.into_iter().zip(7_u64..) {
        put(&mut image, header, b"head");
        put(&mut image, header + 8, &sequence.to_le_bytes());
        put(&mut image, header + 16, &[0xff; 16]);
        put(&mut image, header + 32, &DATA_WRITE_GUID);
        put(&mut image, header + 66, &1_u16.to_le_bytes());
        put(&mut image, header + 68, &0x10_0000_u32.to_le_bytes());
        put(&mut image, header + 72, &(at::LOG as u64).to_le_bytes());
    }
    for table in at::REGIONS {
        put(&mut image, table, b"regi");
        put(&mut image, table + 8, &2_u32.to_le_bytes());
        let regions = [
            ("2dc27766-f623-4200-9d64-115e9bfd4a08", at::BAT),
            ("8b7ca206-4790-4b9a-b8fe-575f050f886e", at::METADATA),
        ];
        for (index, (id, offset)) in regions.into_iter().enumerate() {
            let entry = table + 16 + 32 * index;
            put(&mut image, entry, &guid(id));
            put(&mut image, entry + 16, &(offset as u64).to_le_bytes());
            put(&mut image, entry + 24, &0x10_0000_u32.to_le_bytes());
            put(&mut image, entry + 28, &1_u32.to_le_bytes());
        }
    }
    put(&mut image, at::METADATA, b"metadata");
    let items: [(&str, &[u8], u32); 5] = [
        (
            "caa16737-fa36-4d43-b3b6-33f0aa44e76b",
            &[0, 0, 0x10, 0, 0, 0, 0, 0],
            4,
        ),
        (
            "2fa54224-cd1b-4876-b211-5dbed83bf4b8",
            &(SIZE as u64).to_le_bytes(),
            6,
        ),
        (
            "8141bf1d-a96f-4709-ba47-f233a8faab5f",
            &512_u32.to_le_bytes(),
            6,
        ),
        (
            "cda348c7-445d-4471-9cc9-e9885251c556",
            &4096_u32.to_le_bytes(),
            6,
        ),
        ("beca12ab-b2e6-4523-93ef-c309e000c746", &[0x1d; 16], 6),
    ];
    for (id, item, flags) in items {
        add_item(&mut image, guid(id), item, flags);
    }
    bat(&mut image, 0, at::BLOCKS as u64 | 6);
    bat(&mut image, 2, 2);
    bat(&mut image, 3, 3);
    bat(&mut image, 4, (at::BLOCKS + MIB) as u64 | 6);
    image[at::BLOCKS..][..MIB].fill(0x11);
    image[at::BLOCKS + MIB..][..MIB].fill(0x44);
    seal(&mut image);
    image
}

/// What the guest sees of [`sound`].
pub(crate) fn sound_content() -> Vec<u8> {
    let mut content = vec![0; SIZE];
    content[..MIB].fill(0x11);
    content[4 * MIB..].fill(0x44);
    content
}

/// Sets an entry of the BAT.
pub(crate) fn bat(image: &mut [u8], index: usize, entry: u64) {
    put(image, at::BAT + 8 * index, &entry.to_le_bytes());
}

/// Appends a metadata item.
pub(crate) fn add_item(image: &mut [u8], id: [u8; 16], item: &[u8], flags: u32) {
    let count = usize::from(image[at::METADATA + 10]);
    let before = (0..count).map(|index| {
        let length = entry_at(index) + 20;
        u32::from_le_bytes(image[length..][..4].try_into().unwrap())
    });
    let offset = 0x1_0000 + before.sum::<u32>();
    let entry = entry_at(count);
    put(image, entry, &id);
    put(image, entry + 16, &offset.to_le_bytes());
    put(
        image,
        entry + 20,
        &u32::try_from(item.len()).unwrap().to_le_bytes(),
    );
    put(image, entry + 24, &flags.to_le_bytes());
    put(image, at::METADATA + usize::try_from(offset).unwrap(), item);
    image[at::METADATA + 10] += 1;
}

/// Where an entry of the metadata table stands.
pub(crate) fn entry_at(index: usize) -> usize {
    at::METADATA + 32 + 32 * index
}

/// [`sound`] over the parent `base.vhdx`: of block 0 only the sectors 1, 2 and 8 to 15 are here, block
/// 1 is the parent's.
pub(crate) fn differencing(linkage: [u8; 16]) -> Vec<u8> {
    let mut image = sound();
    image[at::ITEMS + 4] = 2;
    let pairs = [
        ("parent_linkage", format!("{{{}}}", printed(linkage))),
        ("relative_path", r".\base.vhdx".to_owned()),
    ];
    add_item(
        &mut image,
        guid("a8d35f2d-b30b-454d-abf7-d3d84834ab0c"),
        &locator(&pairs),
        4,
    );
    bat(&mut image, 0, at::BLOCKS as u64 | 7);
    bat(&mut image, CHUNK_RATIO, at::BITMAP as u64 | 6);
    image[at::BITMAP] = 0b0000_0110;
    image[at::BITMAP + 1] = 0xff;
    image
}

/// A parent locator with these keys and values.
pub(crate) fn locator(pairs: &[(&str, String)]) -> Vec<u8> {
    let mut item = guid("b04aefb7-d19e-4a81-b789-25b8e9445913").to_vec();
    item.extend([0, 0]);
    item.extend(u16::try_from(pairs.len()).unwrap().to_le_bytes());
    let mut strings = Vec::new();
    let start = 20 + 12 * pairs.len();
    let mut place = |text: &str| {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let offset = u32::try_from(start + strings.len()).unwrap();
        let len = u16::try_from(units.len()).unwrap();
        strings.extend(units);
        (offset, len)
    };
    for (key, value) in pairs {
        let ((key_at, key_len), (value_at, value_len)) = (place(key), place(value));
        item.extend(key_at.to_le_bytes());
        item.extend(value_at.to_le_bytes());
        item.extend(key_len.to_le_bytes());
        item.extend(value_len.to_le_bytes());
    }
    item.extend(strings);
    item
}

/// A GUID as text.
pub(crate) fn printed(guid: [u8; 16]) -> String {
    let mut big = guid;
    big[..4].reverse();
    big[4..6].reverse();
    big[6..8].reverse();
    let hex: String = big.iter().map(|byte| format!("{byte:02x}")).collect();
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

/// A write in an entry of the log.
pub(crate) enum LogWrite {
    Data(u64, Box<[u8; 4096]>),
    Zero(u64, u64),
}

/// An entry of the log, \[MS-VHDX\] 2.3.1.
pub(crate) struct LogEntry {
    pub(crate) sequence: u64,
    pub(crate) tail: u32,
    pub(crate) flushed: u64,
    pub(crate) last: u64,
    pub(crate) writes: Vec<LogWrite>,
}

impl LogEntry {
    pub(crate) fn new(sequence: u64, tail: u32, writes: Vec<LogWrite>) -> Self {
        Self {
            sequence,
            tail,
            flushed: 7 * MIB as u64,
            last: 7 * MIB as u64,
            writes,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut entry = vec![0; (64 + 32 * self.writes.len()).next_multiple_of(4096)];
        put(&mut entry, 0, b"loge");
        put(&mut entry, 12, &self.tail.to_le_bytes());
        put(&mut entry, 16, &self.sequence.to_le_bytes());
        put(
            &mut entry,
            24,
            &u32::try_from(self.writes.len()).unwrap().to_le_bytes(),
        );
        put(&mut entry, 32, &LOG_GUID);
        put(&mut entry, 48, &self.flushed.to_le_bytes());
        put(&mut entry, 56, &self.last.to_le_bytes());
        for (index, write) in self.writes.iter().enumerate() {
            let at = 64 + 32 * index;
            put(&mut entry, at + 24, &self.sequence.to_le_bytes());
            match write {
                LogWrite::Zero(offset, len) => {
                    put(&mut entry, at, b"zero");
                    put(&mut entry, at + 8, &len.to_le_bytes());
                    put(&mut entry, at + 16, &offset.to_le_bytes());
                }
                LogWrite::Data(offset, sector) => {
                    put(&mut entry, at, b"desc");
                    put(&mut entry, at + 4, &sector[4092..]);
                    put(&mut entry, at + 8, &sector[..8]);
                    put(&mut entry, at + 16, &offset.to_le_bytes());
                    let mut data = sector.to_vec();
                    put(&mut data, 0, b"data");
                    let sequence = self.sequence.to_le_bytes();
                    put(&mut data, 4, &sequence[4..]);
                    put(&mut data, 4092, &sequence[..4]);
                    entry.extend(data);
                }
            }
        }
        let len = u32::try_from(entry.len()).unwrap();
        put(&mut entry, 8, &len.to_le_bytes());
        let len = entry.len();
        sum(&mut entry, 0, len);
        entry
    }
}

/// Puts entries into the log from `start` on, going on at its begin, and says that it is not empty.
pub(crate) fn log(image: &mut [u8], start: usize, entries: &[Vec<u8>]) {
    for (index, byte) in entries.iter().flatten().enumerate() {
        image[at::LOG + (start + index) % MIB] = *byte;
    }
    for header in at::HEADERS {
        put(image, header + 48, &LOG_GUID);
    }
    seal(image);
}

/// The sector of the file at `offset`, for a write to the log.
pub(crate) fn sector(image: &[u8], offset: usize) -> Box<[u8; 4096]> {
    Box::new(image[offset..][..4096].try_into().unwrap())
}

/// Opens an image that rests on nothing.
pub(crate) fn open(image: &[u8]) -> Result<Image, OpenError> {
    let file = Arc::new(MemoryBackend::new(image.to_vec()));
    detente_disk::open(Path::new("hand.vhdx"), file, &ClosedGate)
}

/// Why it does not open, or what reading it all meets; empty if nothing.
pub(crate) fn complaint(image: &[u8]) -> String {
    let image = match open(image) {
        Ok(image) => image,
        Err(error) => return error.to_string(),
    };
    let mut bytes = vec![0; usize::try_from(image.reader.len_bytes()).unwrap()];
    let read = image.reader.read_exact_at(0, &mut bytes);
    read.err()
        .map_or_else(String::new, |error| error.to_string())
}

/// What `check` says.
pub(crate) fn check(image: &[u8]) -> Result<CheckReport, ReadError> {
    detente_disk::check(&MemoryBackend::new(image.to_vec()))
}

/// The names of the broken rules that `check` finds.
pub(crate) fn broken(image: &[u8]) -> Vec<&'static str> {
    let report = check(image).unwrap();
    let findings = report.findings.iter();
    findings
        .filter(|finding| finding.severity == Severity::Corrupt)
        .map(|finding| finding.rule)
        .collect()
}
