//! Snapshots and bitmaps, on which what the guest sees does not depend.

use std::path::Path;
use std::sync::Arc;

use detente_block::{ClosedGate, MemoryBackend};
use detente_disk::{OpenOptions, open_with};

use crate::disk;
use crate::header::details;
use crate::header::extended;
use crate::support::{at, check_content, put, sound, sound_content};

/// What the guest sees does not depend on it: so it is only told.
pub(crate) fn told(image: Vec<u8>, words: &str) {
    let broken = details(image.clone()).broken;
    assert!(
        broken.iter().any(|line| line.contains(words)),
        "{broken:?} lacks {words:?}"
    );
    check_content(&*disk(image, &ClosedGate).unwrap(), &sound_content(), words);
}

#[test]
fn a_broken_snapshot_table_is_told() {
    let table = |count: u32, offset: u64| {
        let mut image = sound();
        put(&mut image, 60, &count.to_be_bytes());
        put(&mut image, 64, &offset.to_be_bytes());
        image
    };
    told(table(1, 0), "not aligned");
    told(table(1, 0x201), "not aligned");
    told(table(1, 0x10_0000), "past the end of the file");
    told(table(65_537, 0x400), "65537 snapshots");
    // An entry with extra data without end.
    let mut image = table(1, 0xa00);
    put(&mut image, 0xa00 + 36, &u32::MAX.to_be_bytes());
    told(image, "more than 8 MiB");
    let mut image = table(1, 0xa00);
    put(&mut image, 0xa00 + 12, &u16::MAX.to_be_bytes());
    told(image, "past the end of the file");
}

#[test]
fn a_snapshot_is_seen_by_id_or_name() {
    let mut image = sound();
    image.resize(at::END + 0x800, 0);
    let (table, l1) = (at::END, at::END + 0x200);
    put(&mut image, 60, &1_u32.to_be_bytes());
    put(&mut image, 64, &(table as u64).to_be_bytes());
    put(&mut image, table, &(l1 as u64).to_be_bytes());
    put(&mut image, table + 8, &1_u32.to_be_bytes()); // l1_size
    put(&mut image, table + 12, &[0, 1, 0, 3]);
    put(&mut image, table + 36, &16_u32.to_be_bytes());
    put(&mut image, table + 48, &512_u64.to_be_bytes()); // disk size
    put(&mut image, table + 56, b"7now");
    put(&mut image, l1, &(at::END as u64 + 0x400).to_be_bytes());
    put(
        &mut image,
        at::END + 0x400,
        &(at::END as u64 + 0x600).to_be_bytes(),
    );
    put(&mut image, at::END + 0x600, &[0x99; 512]);
    let shown = details(image.clone()).snapshots;
    assert_eq!((shown[0].id.as_str(), shown[0].name.as_str()), ("7", "now"));
    assert_eq!((shown[0].virtual_size, shown[0].icount), (512, None));
    let view = |image: &[u8], wanted: &str| {
        let options = OpenOptions {
            snapshot: Some(wanted.to_owned()),
            ..OpenOptions::default()
        };
        let file = Arc::new(MemoryBackend::new(image.to_vec()));
        open_with(Path::new("top"), file, &ClosedGate, &options)
    };
    for wanted in ["7", "now"] {
        check_content(&*view(&image, wanted).unwrap().reader, &[0x99; 512], wanted);
    }
    let error = view(&image, "then").err().unwrap().to_string();
    assert!(error.contains("no snapshot \"then\""), "{error}");
    put(&mut image, table + 48, &u64::MAX.to_be_bytes());
    let error = view(&image, "7").err().unwrap().to_string();
    assert!(error.contains("has 1 entries, not"), "{error}");
}

#[test]
fn a_broken_bitmap_directory_is_told() {
    let directory = |count: u32, size: u64, offset: u64| {
        let mut data = count.to_be_bytes().to_vec();
        data.extend([0; 4]);
        data.extend(size.to_be_bytes());
        data.extend(offset.to_be_bytes());
        extended(0x2385_2875, &data)
    };
    told(directory(1, 32, 0x401), "not aligned");
    told(directory(1, 32, 0x10_0000), "past the end of the file");
    told(directory(65_536, 32, 0xa00), "65536 bitmaps");
    told(
        directory(1, 1 << 40, 0xa00),
        "directory of 1099511627776 bytes",
    );
    told(
        directory(2, 24, 0xa00),
        "past the end of the bitmap directory",
    );
    told(directory(1, 32, 0xa00), "its entries another number");
    let mut image = directory(1, 32, 0xa00);
    put(&mut image, 0xa00 + 12, &[0, 0, 0, 2, 1, 16, 0, 3]);
    put(&mut image, 0xa00 + 24, b"abc");
    let shown = details(image);
    assert!(
        shown.broken.is_empty() && !shown.bitmaps_consistent,
        "{shown:?}"
    );
    let bitmap = &shown.bitmaps[0];
    assert_eq!((bitmap.name.as_str(), bitmap.granularity_bits), ("abc", 16));
    assert!(bitmap.auto && !bitmap.in_use);
}
