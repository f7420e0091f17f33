//! The hostile exercisers of `detente_vmbus::hostile`, over their corpora and over seeded mutations.
//!
//! `detente_samples::Seeds` says for how long all parts together mutate, and what replays a failure:
//! of one part, so filter by its name. `corpus/NAME/` holds what once broke the part of that name.
//!
//! A new part is a module here with a `PART`, a line in `PARTS`, and a test.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "says which file failed")]

mod bus;
mod components;
mod mutate;
mod netvsc;
mod ring;
mod storvsc;

use std::fs;
use std::path::Path;

use detente_samples::{Numbers, Seeds};
use mutate::mutate;

/// A part of the engine that any bytes can drive.
struct Part {
    name: &'static str,
    exercise: fn(&[u8]),
    /// Bytes that go deep into it.
    samples: fn() -> Vec<Vec<u8>>,
}

const PARTS: &[Part] = &[
    components::KVP,
    components::PART,
    bus::PART,
    netvsc::PART,
    ring::PART,
    storvsc::PART,
];

#[test]
fn buses() {
    survives(&bus::PART);
}

#[test]
fn adapters() {
    survives(&netvsc::PART);
}

#[test]
fn rings() {
    survives(&ring::PART);
}

#[test]
fn disks() {
    survives(&storvsc::PART);
}

#[test]
fn key_values() {
    survives(&components::KVP);
}

#[test]
fn integration_components() {
    survives(&components::PART);
}

/// Replays the corpus, then tries mutations for this part's share of the time.
fn survives(part: &Part) {
    let mut sound = (part.samples)();
    for bytes in &sound {
        (part.exercise)(bytes);
    }
    for (name, bytes) in corpus(part.name) {
        eprintln!("{name}");
        (part.exercise)(&bytes);
        (part.exercise)(&bytes[..bytes.len() / 2]);
        sound.push(bytes);
    }
    (part.exercise)(b"");
    let parts = u32::try_from(PARTS.len()).unwrap();
    for seed in Seeds::of_environment(part.name, parts) {
        try_seed(part, &sound, seed);
    }
}

fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/hostile/corpus")
        .join(name);
    // A part that never broke has none.
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

fn try_seed(part: &Part, sound: &[Vec<u8>], seed: u64) {
    let mut numbers = Numbers::new(seed);
    let mut bytes = sound[numbers.below(sound.len())].clone();
    mutate(&mut bytes, &mut numbers);
    (part.exercise)(&bytes);
}
