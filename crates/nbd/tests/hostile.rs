//! The hostile exerciser over the corpus and over seeded mutations of what sound clients say.
//!
//! `detente_samples::Seeds` says for how long, and what replays a failure.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::cast_possible_truncation,
    reason = "lengths of tests are short"
)]

#[expect(dead_code, reason = "nothing is heard here")]
mod support;

use std::fs;
use std::path::Path;

use detente_nbd::exercise;
use detente_samples::{Numbers, Seeds, spoil};

use support::Says;

/// What sound clients say, from the simplest to one that uses everything.
fn sound() -> Vec<Vec<u8>> {
    let long = vec![7; 5000];
    let all = Says::hello()
        .option(3, b"")
        .option(5, b"")
        .structured()
        .contexts(9, &["base:", "qemu:"])
        .contexts(10, &["base:allocation"])
        .option(6, &[0, 0, 0, 0, 0, 3, 0, 3, 0, 1, 0, 2])
        .go()
        .request((0, 0), 100, 40_000)
        .request((0, 7), 0, 65_536)
        .request((1 << 3, 7), 512, 512)
        .request((0, 1), 3000, 5000)
        .bytes(&long)
        .request((1, 6), 5, 30_000)
        .request((2, 6), 5, 3000)
        .request((1, 4), 4096, 8192)
        .request((4, 0), 0, 65_536)
        .request((0, 3), 0, 0)
        .request((0, 2), 0, 0);
    let plain = Says::hello().go();
    let plain = plain.request((0, 0), 0, 512).request((0, 1), 0, 3);
    let old = Says(vec![0; 4]).option(1, b"").request((0, 0), 0, 512);
    let abort = Says::hello().option(2, b"");
    [all, plain.bytes(b"abc").request((0, 3), 0, 0), old, abort]
        .map(|says| says.0)
        .to_vec()
}

/// The corpus: hexadecimal, in the order of its names.
fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "hex"))
        .collect();
    files.sort();
    assert!(files.len() >= 3, "the corpus is not there");
    let read = |path| {
        let text = fs::read_to_string(path).unwrap();
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks_exact(2).map(byte).collect()
    };
    files.iter().map(read).collect()
}

#[test]
fn the_corpus_is_survived() {
    for said in corpus().into_iter().chain(sound()) {
        for end in (0..said.len()).step_by(7).chain([said.len()]) {
            exercise(&said[..end]);
        }
    }
}

/// Values that limits are made of, and the disk's own.
const EDGES: [u64; 12] = [
    0,
    1,
    3,
    0x200,
    0xffff,
    0x1_0000,
    0x200_0000,
    0x7fff_ffff,
    0xffff_ffff,
    i64::MAX as u64,
    u64::MAX,
    0x2560_9513,
];

/// Spoils one to four fields, and sometimes says a part twice or stops early.
fn mutate(said: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(said.len());
        let value = match numbers.below(2) {
            0 => numbers.one_of(&EDGES),
            _ => numbers.next(),
        };
        let bytes = value.to_be_bytes();
        let field = &bytes[8 - (1 << numbers.below(4))..];
        spoil(said, at, field);
    }
    if numbers.below(4) == 0 {
        let start = numbers.below(said.len());
        let part = said[start..].to_vec();
        let at = numbers.below(said.len());
        said.splice(at..at, part);
    }
    numbers.cut_sometimes(said);
}

fn try_seed(all: &[Vec<u8>], seed: u64) {
    let mut numbers = Numbers::new(seed);
    let mut said = all[numbers.below(all.len())].clone();
    mutate(&mut said, &mut numbers);
    exercise(&said);
}

#[test]
fn mutations_are_survived() {
    let mut all = sound();
    all.extend(corpus());
    for seed in Seeds::of_environment("NBD clients", 1) {
        try_seed(&all, seed);
    }
}
