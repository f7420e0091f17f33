//! The corpus, and qcow2 images with their fields spoilt.

use std::fs;
use std::path::Path;

use detente_disk::{Format, OverlaySpec, empty_overlay, exercise};
use detente_samples::{Numbers, Seeds, spoil};

use crate::{PARTS, support};

/// The corpus, unpacked, in the order of its names.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "zst"))
        .map(|path| {
            let bytes = zstd::decode_all(fs::read(&path).unwrap().as_slice()).unwrap();
            (path.display().to_string(), bytes)
        })
        .collect();
    files.sort();
    assert!(files.len() >= 6, "the corpus is not there");
    files
}

#[test]
fn the_corpus_is_survived() {
    for (name, bytes) in corpus() {
        eprintln!("{name}");
        exercise(&bytes);
        exercise(&bytes[..bytes.len() / 2]);
    }
    exercise(b"");
    exercise(b"QFI\xfb");
}

/// Values that limits are made of.
const EDGES: [u64; 12] = [
    0,
    1,
    2,
    0x200,
    0x1_0000,
    0x7fff_ffff,
    0xffff_ffff,
    i64::MAX as u64,
    u64::MAX,
    1 << 62,
    1 << 62 | 0x200,
    0x00ff_ffff_ffff_fe00,
];

/// Spoils one to six fields, half of them in the header, and sometimes cuts the end off.
fn mutate(image: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(6) {
        let within = if numbers.below(2) == 0 {
            image.len().min(120)
        } else {
            image.len()
        };
        let at = numbers.below(within / 4) * 4;
        let value = match numbers.below(3) {
            0 => numbers.one_of(&EDGES),
            1 => numbers.next(),
            // An offset inside the file.
            _ => (numbers.below(image.len()) as u64) & !0x1ff,
        };
        let bytes = value.to_be_bytes();
        let field = match numbers.below(4) {
            0 => &bytes[7..],
            1 => &bytes[4..],
            _ => &bytes[..],
        };
        spoil(image, at, field);
    }
    numbers.cut_sometimes(image);
}

fn try_seed(images: &[Vec<u8>], seed: u64) {
    let mut numbers = Numbers::new(seed);
    let mut image = images[numbers.below(images.len())].clone();
    mutate(&mut image, &mut numbers);
    exercise(&image);
}

#[test]
fn mutations_are_survived() {
    let spec = OverlaySpec {
        virtual_size: 1 << 40,
        backing_path: "base".to_owned(),
        backing_format: Format::Qcow2,
    };
    let mut images: Vec<_> = corpus().into_iter().map(|(_, bytes)| bytes).collect();
    images.push(support::sound());
    images.push(support::sound_on(b"base", None));
    images.push(empty_overlay(&spec).unwrap());
    for seed in Seeds::of_environment("disk images", PARTS) {
        try_seed(&images, seed);
    }
}
