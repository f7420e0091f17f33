//! VHDX images with their checksums made right again most of the time: else nothing behind the
//! headers would be reached.

use detente_disk::exercise;
use detente_samples::{Numbers, Seeds};

use crate::PARTS;
use crate::vhdx_support::{
    DATA_WRITE_GUID, LogEntry, LogWrite, MIB, at, differencing, entry_at, log, put, seal, sector,
    sound,
};

/// A value that limits are made of, an offset inside the file, or noise.
fn value(numbers: &mut Numbers) -> u64 {
    const EDGES: [u64; 16] = [
        0,
        1,
        2,
        7,
        0x1000,
        0x1_0000,
        0x10_0000,
        0x1000_0000,
        0x7fff_ffff,
        0xffff_f000,
        0xffff_ffff,
        64 << 40,
        i64::MAX as u64,
        !0xf_ffff,
        !0xfff,
        u64::MAX,
    ];
    match numbers.below(4) {
        0 => numbers.next(),
        1 => numbers.next() >> numbers.below(64),
        2 => ((numbers.below(9) as u64) << 20) | numbers.next() & 7,
        _ => numbers.one_of(&EDGES),
    }
}

/// Entries of the log, in one of several arrangements.
fn dirty(numbers: &mut Numbers) -> (Vec<u8>, Vec<Vec<u8>>, usize) {
    let image = sound();
    let start = [0, 4096, MIB - 8192][numbers.below(3)];
    let tail = u32::try_from(start).unwrap();
    let mut entries = Vec::new();
    for sequence in 1..=1 + numbers.below(4) as u64 {
        let mut writes = Vec::new();
        for _ in 0..numbers.below(4) {
            let place =
                [at::BAT, at::METADATA, at::ITEMS, at::REGIONS[0], at::BLOCKS][numbers.below(5)];
            writes.push(match numbers.below(3) {
                0 => LogWrite::Zero(value(numbers) & !0xfff, value(numbers) & !0xfff),
                _ => LogWrite::Data(place as u64, sector(&image, place)),
            });
        }
        let mut entry = LogEntry::new(sequence, tail, writes);
        if numbers.below(4) == 0 {
            entry.last = value(numbers);
        }
        let mut bytes = entry.encode();
        if numbers.below(3) == 0 {
            let field = numbers.below(40) * 4;
            let value = value(numbers).to_le_bytes();
            put(&mut bytes, field, &value[..4]);
            put(&mut bytes, 4, &[0; 4]);
            let sum = crc32c::crc32c(&bytes);
            put(&mut bytes, 4, &sum.to_le_bytes());
        }
        entries.push(bytes);
    }
    (image, entries, start)
}

fn start_image(numbers: &mut Numbers) -> Vec<u8> {
    match numbers.below(4) {
        0 => sound(),
        1 => differencing(DATA_WRITE_GUID),
        2 => differencing([1; 16]),
        _ => {
            let (mut image, entries, start) = dirty(numbers);
            log(&mut image, start, &entries);
            image
        }
    }
}

/// Spoils up to four fields of the structures.
fn mutate(image: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..numbers.below(5) {
        let (start, len) = match numbers.below(10) {
            0 => (at::HEADERS[numbers.below(2)], 80),
            1 => (at::REGIONS[numbers.below(2)], 112),
            2 => (at::METADATA, 32),
            3 => (entry_at(0), 192),
            4 => (at::ITEMS, 40),
            5 => (at::ITEMS + 40, 200),
            6 => (at::BITMAP, 16),
            7 => (at::LOG, 256),
            _ => (at::BAT, 48),
        };
        let value = value(numbers).to_le_bytes();
        let field = [1, 2, 4, 8, 8][numbers.below(5)];
        let place = start + numbers.below(len / field) * field;
        put(image, place, &value[..field]);
    }
    if numbers.below(8) != 0 {
        seal(image);
    }
    numbers.cut_sometimes(image);
}

#[test]
fn mutations_of_vhdx_images_are_survived() {
    for seed in Seeds::of_environment("VHDX images", PARTS) {
        let mut numbers = Numbers::new(seed);
        let mut image = start_image(&mut numbers);
        mutate(&mut image, &mut numbers);
        exercise(&image);
    }
}

#[test]
fn an_image_cut_anywhere_in_its_structures_is_survived() {
    let image = differencing(DATA_WRITE_GUID);
    for cut in [0, 7, 8, 519, 520]
        .into_iter()
        .chain((0..image.len()).step_by(0x8000 - 8))
    {
        exercise(&image[..cut]);
    }
}
