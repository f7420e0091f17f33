//! Logs written by hand after [MS-VHDX] 2.3: what they say is laid over the file, or they are refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
mod vhdx_support;

use detente_disk::{Details, Mapped, Place, VhdxLog};
use vhdx_support::{
    LOG_GUID, LogEntry, LogWrite, MIB, SIZE, at, bat, check, complaint, differencing, log, open,
    put, seal, sector, sound, sound_content,
};

/// The first sector of the BAT with block 0 gone and block 1 at the second place.
fn new_bat() -> LogWrite {
    let mut image = sound();
    bat(&mut image, 0, 2);
    bat(&mut image, 1, (at::BLOCKS + MIB) as u64 | 6);
    bat(&mut image, 4, 0);
    LogWrite::Data(at::BAT as u64, sector(&image, at::BAT))
}

/// What the guest sees with [`new_bat`].
fn new_content() -> Vec<u8> {
    let mut content = vec![0; SIZE];
    content[MIB..2 * MIB].fill(0x44);
    content
}

/// The image is read as `content`, and `entries` entries of its log were replayed.
fn replays(image: &[u8], content: &[u8], entries: usize) {
    let opened = open(image).unwrap();
    support::check_content(&*opened.reader, content, "replayed");
    let Details::Vhdx(details) = &opened.layers[0].details else {
        panic!("not VHDX details");
    };
    match details.log {
        VhdxLog::Replayed { entries: found, .. } => assert_eq!(found, entries),
        VhdxLog::Empty => panic!("nothing was replayed"),
    }
    let report = check(image).unwrap();
    assert!(report.complete && report.corruptions == 0, "{report:?}");
    assert!(
        report
            .findings
            .iter()
            .any(|found| found.rule == "vhdx.log.dirty")
    );
}

fn is_corrupt(image: &[u8], words: &str) {
    let complaint = complaint(image);
    assert!(
        complaint.contains("corrupt") && complaint.contains(words),
        "{complaint}"
    );
    assert!(check(image).unwrap().corruptions > 0);
}

const NO_SEQUENCE: &str = "no sequence of entries in it is valid and complete";

#[test]
fn one_entry_is_replayed() {
    let mut image = sound();
    log(
        &mut image,
        0,
        &[LogEntry::new(1, 0, vec![new_bat()]).encode()],
    );
    replays(&image, &new_content(), 1);
    // Nothing of it is read when the log is empty.
    for header in at::HEADERS {
        put(&mut image, header + 48, &[0; 16]);
    }
    seal(&mut image);
    support::check_content(
        &*open(&image).unwrap().reader,
        &sound_content(),
        "not replayed",
    );
}

#[test]
fn an_entry_of_no_writes_is_replayed() {
    let mut image = sound();
    log(&mut image, 0, &[LogEntry::new(1, 0, Vec::new()).encode()]);
    replays(&image, &sound_content(), 1);
}

/// The later one wins, and the first and last bytes of a sector come from its descriptor.
#[test]
fn entries_are_replayed_in_order() {
    let mut image = sound();
    let mut other = sector(&image, at::BAT);
    other[..8].copy_from_slice(&4_u64.to_le_bytes());
    other[4092..].copy_from_slice(&[0xff; 4]);
    let first = LogEntry::new(41, 0, vec![LogWrite::Data(at::BAT as u64, other)]);
    let first = first.encode();
    let second = LogEntry::new(42, 0, vec![new_bat()]).encode();
    log(&mut image, 0, &[first.clone(), second]);
    replays(&image, &new_content(), 2);
    let mut image = sound();
    log(&mut image, 0, &[first]);
    assert!(complaint(&image).contains("block 0 has the reserved state 4"));
}

#[test]
fn a_sequence_may_go_on_at_the_logs_start() {
    for start in [MIB - 4096, MIB - 8192, MIB - 3 * 4096] {
        let mut image = sound();
        let tail = u32::try_from(start).unwrap();
        let zero = || LogWrite::Zero(at::BITMAP as u64, 4096);
        let entries = [
            LogEntry::new(7, tail, vec![zero()]).encode(),
            LogEntry::new(8, tail, vec![new_bat(), zero()]).encode(),
            LogEntry::new(9, tail, vec![zero()]).encode(),
        ];
        log(&mut image, start, &entries);
        replays(&image, &new_content(), 3);
    }
}

/// The head says which entries were not flushed: the tail may be in the middle.
#[test]
fn entries_before_the_tail_are_not_replayed() {
    let mut image = sound();
    let bad = LogWrite::Zero(at::METADATA as u64, 4096);
    let first = LogEntry::new(3, 0, vec![bad]).encode();
    let tail = u32::try_from(first.len()).unwrap();
    let second = LogEntry::new(4, tail, vec![new_bat()]).encode();
    log(&mut image, 0, &[first, second]);
    replays(&image, &new_content(), 1);
}

#[test]
fn the_newest_sequence_counts() {
    let mut image = sound();
    let old = LogEntry::new(100, 0, vec![LogWrite::Zero(at::METADATA as u64, 4096)]);
    let far = 0x4_0000_u32;
    let new = LogEntry::new(200, far, vec![new_bat()]);
    log(&mut image, 0, &[old.encode()]);
    log(&mut image, 0x4_0000, &[new.encode()]);
    replays(&image, &new_content(), 1);
}

/// More descriptors than the first sector has room for (126).
#[test]
fn an_entry_may_have_many_descriptors() {
    let mut writes: Vec<_> = (0..300)
        .map(|index| LogWrite::Zero((at::BITMAP + 4096 * (index % 256)) as u64, 4096))
        .collect();
    writes.push(new_bat());
    let mut image = sound();
    log(&mut image, 4096, &[LogEntry::new(1, 4096, writes).encode()]);
    replays(&image, &new_content(), 1);
}

#[test]
fn zero_descriptors_zero_what_they_cover() {
    let mut image = sound();
    // Garbage in the BAT, which the log zeroes before it writes.
    let garbage = at::BAT..at::BAT + 0x1_0000;
    image[garbage].fill(0xff);
    let writes = vec![
        new_bat(),
        LogWrite::Zero(at::BAT as u64 + 4096, 0xf000),
        LogWrite::Zero(at::BAT as u64, 0x1_0000),
        new_bat(),
    ];
    log(&mut image, 0, &[LogEntry::new(1, 0, writes).encode()]);
    replays(&image, &new_content(), 1);
}

/// Not what the format is for, but what it says: bytes of a block come out of the log, too.
#[test]
fn writes_to_blocks_are_seen_and_mapped_to_the_replayed_file() {
    let mut image = sound();
    let mut part = Box::new([0x99; 4096]);
    part[0] = 0x98;
    part[4095] = 0x97;
    let offset = at::BLOCKS + 0x8000;
    let writes = vec![
        LogWrite::Data(offset as u64, part.clone()),
        LogWrite::Zero(offset as u64 + 0x2000, 0x3000),
    ];
    log(&mut image, 0, &[LogEntry::new(1, 0, writes).encode()]);
    let mut expect = sound_content();
    expect[0x8000..0x9000].copy_from_slice(&part[..]);
    expect[0xa000..0xd000].fill(0);
    replays(&image, &expect, 1);

    let opened = open(&image).unwrap();
    let mut found = Vec::new();
    let mut offset = 0;
    while offset < MIB as u64 {
        let extent = opened.stack.map_extent(offset, u64::MAX).unwrap();
        let Place::File {
            file,
            offset: place,
        } = extent.place
        else {
            panic!("{extent:?}");
        };
        // Whoever follows the map finds the same bytes.
        let len = usize::try_from(extent.len).unwrap();
        let mut bytes = vec![0; len];
        let reader = &opened.stack.files()[file.0].reader;
        reader.read_exact_at(place, &mut bytes).unwrap();
        assert!(bytes == expect[usize::try_from(offset).unwrap()..][..len]);
        found.push((file.0, offset));
        offset += extent.len;
    }
    let expect = [(0, 0), (1, 0x8000), (0, 0x9000), (1, 0xa000), (0, 0xd000)];
    assert_eq!(found, expect);
}

/// [MS-VHDX] 2.3.3: the file is extended to what its structures need.
#[test]
fn a_block_behind_the_end_is_there_once_the_log_is_replayed() {
    let mut image = sound();
    let mut table = image.clone();
    bat(&mut table, 1, 7 << 20 | 6);
    let table = LogWrite::Data(at::BAT as u64, sector(&table, at::BAT));
    let mut entry = LogEntry::new(1, 0, vec![table]);
    entry.last = 8 << 20;
    log(&mut image, 0, &[entry.encode()]);
    replays(&image, &sound_content(), 1);
    entry.last = 7 << 20;
    log(&mut image, 0, &[entry.encode()]);
    assert!(complaint(&image).contains("block 1 at 0x700000 goes past the end"));
}

#[test]
fn a_file_shorter_than_what_was_flushed_is_corrupt() {
    let mut image = sound();
    let mut entry = LogEntry::new(1, 0, vec![new_bat()]);
    entry.flushed = 8 << 20;
    log(&mut image, 0, &[entry.encode()]);
    is_corrupt(&image, "the file ends at 0x700000 and had 0x800000 bytes");
    image.resize(8 * MIB, 0);
    replays(&image, &new_content(), 1);
}

#[test]
fn a_torn_entry_is_not_replayed() {
    let sound_entry = LogEntry::new(1, 0, vec![new_bat()]).encode();
    let torn = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut entry = sound_entry.clone();
        change(&mut entry);
        let mut image = sound();
        log(&mut image, 0, &[entry]);
        is_corrupt(&image, NO_SEQUENCE);
    };
    torn(&|entry| entry[5000] ^= 1);
    torn(&|entry| entry.truncate(4096));
    torn(&|entry| entry[32] ^= 1);
    // An earlier sequence that is whole counts.
    let second = LogEntry::new(2, 0, vec![LogWrite::Zero(at::METADATA as u64, 4096)]);
    let mut second = second.encode();
    second[100] ^= 1;
    let mut image = sound();
    log(&mut image, 0, &[sound_entry, second]);
    replays(&image, &new_content(), 1);
}

/// Each field of an entry, with a right checksum.
#[test]
fn an_entry_with_a_wrong_field_is_not_valid() {
    for (at, field) in [
        (0, &b"logf"[..]),
        (8, &0_u32.to_le_bytes()),
        (8, &8193_u32.to_le_bytes()),
        (8, &0x20_0000_u32.to_le_bytes()),
        (12, &1_u32.to_le_bytes()),
        (12, &0x10_0000_u32.to_le_bytes()),
        (16, &0_u64.to_le_bytes()),
        (24, &u32::MAX.to_le_bytes()),
        (24, &3_u32.to_le_bytes()),
        (32, &[0; 16]),
        (64, b"what"),
        (64 + 16, &1_u64.to_le_bytes()),
        (64 + 24, &2_u64.to_le_bytes()),
        (4096, b"date"),
        (4096 + 4, &[1]),
        (8188, &[2]),
    ] {
        let mut entry = LogEntry::new(1, 0, vec![new_bat()]).encode();
        put(&mut entry, at, field);
        put(&mut entry, 4, &[0; 4]);
        let sum = crc32c::crc32c(&entry);
        put(&mut entry, 4, &sum.to_le_bytes());
        let mut image = sound();
        log(&mut image, 0, &[entry]);
        is_corrupt(&image, NO_SEQUENCE);
    }
    for (offset, len) in [(0x1000, 1), (!4095, 0x1000), (0x1000, !4095)] {
        let entry = LogEntry::new(1, 0, vec![LogWrite::Zero(offset, len)]);
        let mut image = sound();
        log(&mut image, 0, &[entry.encode()]);
        is_corrupt(&image, NO_SEQUENCE);
    }
}

#[test]
fn a_tail_outside_the_sequence_is_not_complete() {
    let mut image = sound();
    log(
        &mut image,
        0,
        &[LogEntry::new(5, 0x8000, vec![new_bat()]).encode()],
    );
    is_corrupt(&image, NO_SEQUENCE);
    // A gap in the numbers ends a sequence.
    let first = LogEntry::new(5, 0, vec![new_bat()]).encode();
    let tail = u32::try_from(first.len()).unwrap();
    let gap = LogEntry::new(7, 0, vec![LogWrite::Zero(at::METADATA as u64, 4096)]);
    assert_eq!(tail, 8192);
    let mut image = sound();
    log(&mut image, 0, &[first, gap.encode()]);
    replays(&image, &new_content(), 1);
}

#[test]
fn an_empty_log_that_is_said_to_hold_something_is_corrupt() {
    let mut image = sound();
    log(&mut image, 0, &[]);
    is_corrupt(&image, NO_SEQUENCE);
    let mut image = sound();
    for header in at::HEADERS {
        put(&mut image, header + 48, &LOG_GUID);
        put(&mut image, header + 68, &0_u32.to_le_bytes());
    }
    seal(&mut image);
    is_corrupt(&image, NO_SEQUENCE);
}

#[test]
fn a_log_of_another_version_is_refused_only_if_it_is_needed() {
    let mut image = sound();
    for header in at::HEADERS {
        put(&mut image, header + 64, &1_u16.to_le_bytes());
    }
    seal(&mut image);
    support::check_content(&*open(&image).unwrap().reader, &sound_content(), "empty");
    log(
        &mut image,
        0,
        &[LogEntry::new(1, 0, vec![new_bat()]).encode()],
    );
    assert!(complaint(&image).contains("a VHDX log of version 1"));
}

#[test]
fn a_log_longer_than_what_is_replayed_is_refused() {
    let mut image = sound();
    let entry = LogEntry::new(1, 0, vec![new_bat()]).encode();
    let end = image.len();
    image.resize(end + 17 * MIB, 0);
    for header in at::HEADERS {
        put(&mut image, header + 68, &0x110_0000_u32.to_le_bytes());
        put(&mut image, header + 72, &(end as u64).to_le_bytes());
    }
    seal(&mut image);
    support::check_content(&*open(&image).unwrap().reader, &sound_content(), "empty");
    put(&mut image, end, &entry);
    for header in at::HEADERS {
        put(&mut image, header + 48, &LOG_GUID);
    }
    seal(&mut image);
    assert!(complaint(&image).contains("a VHDX log of 17825792 bytes to be replayed"));
}

/// Structures are read as replayed: here the region table and the sector bitmap.
#[test]
fn all_structures_are_read_as_replayed() {
    let mut image = sound();
    let mut tables = Vec::new();
    for table in at::REGIONS {
        tables.push(LogWrite::Data(table as u64, sector(&image, table)));
        image[table..][..4096].fill(0xee);
    }
    let metadata = sector(&image, at::METADATA);
    image[at::METADATA..][..4096].fill(0);
    tables.push(LogWrite::Data(at::METADATA as u64, metadata));
    let entry = LogEntry::new(1, 0, tables).encode();
    // Not through `seal`, which would make the spoilt tables valid.
    put(&mut image, at::LOG, &entry);
    let mut headers = image.clone();
    for header in at::HEADERS {
        put(&mut headers, header + 48, &LOG_GUID);
    }
    seal(&mut headers);
    image[..0x3_0000].copy_from_slice(&headers[..0x3_0000]);
    replays(&image, &sound_content(), 1);

    let mut image = differencing([1; 16]);
    let bitmap = sector(&image, at::BITMAP);
    image[at::BITMAP..][..4096].fill(0xff);
    let write = LogWrite::Data(at::BITMAP as u64, bitmap);
    log(&mut image, 0, &[LogEntry::new(1, 0, vec![write]).encode()]);
    assert_eq!(check(&image).unwrap().corruptions, 0);
}

/// QEMU replays the same logs to the same end. (`vhdx-core` 0.4.1 does not: it takes a descriptor's
/// sequence number for its file offset.)
#[test]
fn qemu_replays_to_the_same_end() {
    let has_qemu = support::has_qemu("qemu_replays_to_the_same_end");
    let folder = tempfile::tempdir().unwrap();
    let zero = || LogWrite::Zero(at::BITMAP as u64, 4096);
    // QEMU 7.2 refuses an entry whose descriptors take two sectors, which is more than 126.
    let many = (0..125).map(|index| LogWrite::Zero((at::BITMAP + 4096 * index) as u64, 4096));
    let many = many.chain([new_bat()]).collect();
    let wrapped = MIB - 8192;
    let tail = u32::try_from(wrapped).unwrap();
    let cases = [
        (0, vec![LogEntry::new(1, 0, vec![new_bat()])]),
        (4096, vec![LogEntry::new(9, 4096, many)]),
        (
            wrapped,
            vec![
                LogEntry::new(7, tail, vec![zero()]),
                LogEntry::new(8, tail, vec![zero(), new_bat()]),
            ],
        ),
    ];
    for (start, entries) in cases {
        let entries: Vec<_> = entries.iter().map(LogEntry::encode).collect();
        let mut image = sound();
        log(&mut image, start, &entries);
        replays(&image, &new_content(), entries.len());

        if has_qemu {
            std::fs::write(folder.path().join("a.vhdx"), &image).unwrap();
            support::run(folder.path(), "qemu-img", &["check", "-r", "all", "a.vhdx"]);
            let content = support::qemu_content(folder.path(), "a.vhdx");
            assert!(content == new_content(), "QEMU, log at {start:#x}");
            // And QEMU left no log behind.
            let path = folder.path().join("a.vhdx");
            let opened = support::open(&path).unwrap();
            support::check_content(&*opened.reader, &new_content(), "after QEMU");
        }
    }
}

/// Many writes over each other, against an array of bytes.
#[test]
fn writes_over_writes_leave_the_last() {
    for seed in 1..40_u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = |end: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % end).unwrap()
        };
        let mut model = sound_content();
        let mut entries = Vec::new();
        for sequence in 1..=1 + next(4) as u64 {
            let mut writes = Vec::new();
            for _ in 0..next(30) {
                let first = 4096 * next(32);
                let place = (at::BLOCKS + first) as u64;
                if next(2) == 0 {
                    let len = 4096 * next(12);
                    model[first..first + len].fill(0);
                    writes.push(LogWrite::Zero(place, len as u64));
                } else {
                    let byte = next(256).to_le_bytes()[0];
                    model[first..first + 4096].fill(byte);
                    writes.push(LogWrite::Data(place, Box::new([byte; 4096])));
                }
            }
            entries.push(LogEntry::new(sequence, 0, writes).encode());
        }
        let mut image = sound();
        log(&mut image, 0, &entries);
        replays(&image, &model, entries.len());
    }
}
