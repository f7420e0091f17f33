//! The hostile exercisers of `detente_vmbus::hostile`, over their corpora and over seeded mutations.
//!
//! `DETENTE_HOSTILE_SECONDS` says for how long all parts together mutate (2 by default),
//! `DETENTE_HOSTILE_SEED` replays the mutation that a failure printed: of one part, so filter by
//! its name. `corpus/NAME/` holds what once broke the part of that name.
//!
//! A new part is a module here with a `PART`, a line in `PARTS`, and a test.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "says which seed failed")]

mod bus;
mod components;
mod mutate;
mod netvsc;
mod ring;
mod storvsc;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use mutate::{Numbers, mutate};

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
    if let Some(seed) = setting("DETENTE_HOSTILE_SEED") {
        return try_seed(part, &sound, seed);
    }
    let seconds = setting("DETENTE_HOSTILE_SECONDS").unwrap_or(2);
    let share = Duration::from_secs(seconds) / u32::try_from(PARTS.len()).unwrap();
    let start = Instant::now();
    let mut seed = 0;
    while start.elapsed() < share {
        try_seed(part, &sound, seed);
        seed += 1;
    }
    eprintln!("{}: {seed} mutations", part.name);
    assert!(seed > 0);
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

/// Says which seed it was when a test fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay with DETENTE_HOSTILE_SEED={}", self.0);
        }
    }
}

fn try_seed(part: &Part, sound: &[Vec<u8>], seed: u64) {
    let told = Seed(seed);
    let mut numbers = Numbers(seed);
    let mut bytes = sound[numbers.below(sound.len())].clone();
    mutate(&mut bytes, &mut numbers);
    (part.exercise)(&bytes);
    drop(told);
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
