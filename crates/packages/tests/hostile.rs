//! Hostile databases: a corpus, and seeded mutations of sound samples, for a limited time.
//!
//! `detente_samples::Seeds` says for how long; a panic prints the sample and the seed, and
//! `DETENTE_HOSTILE_SAMPLE=NAME` with `DETENTE_HOSTILE_SEED` runs that one alone.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::path::{Path, PathBuf};

use detente_packages::exercise;
use detente_samples::{Numbers, Seeds, harmless, took_at_most_kib};

/// Copies of the samples are 8 MiB; the rest is what the exerciser may take at its worst.
const MOST_KIB: u64 = 64 * 1024;

/// A database, and the log that goes with it.
struct Sound {
    name: &'static str,
    bytes: Vec<u8>,
    log: Option<Vec<u8>>,
    /// The bytes that are worth spoiling: those that are not zero, by 32.
    places: Vec<usize>,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

fn unpacked(path: &Path) -> Vec<u8> {
    let packed = std::fs::read(path).unwrap();
    zstd::decode_all(packed.as_slice()).unwrap()
}

impl Sound {
    fn new(name: &'static str, bytes: Vec<u8>, log: Option<Vec<u8>>) -> Self {
        let blocks = bytes.chunks(32).enumerate();
        let used = blocks.filter(|(_, block)| block.iter().any(|&byte| byte != 0));
        let places = used.map(|(index, _)| index * 32).collect();
        Self {
            name,
            bytes,
            log,
            places,
        }
    }

    /// One to eight fields become something else, mostly where pages and headers begin.
    fn mutate(&self, numbers: &mut Numbers) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut bytes = self.bytes.clone();
        let mut log = self.log.clone();
        for _ in 0..=numbers.below(8) {
            let target = match &mut log {
                Some(log) if numbers.below(2) == 0 => log,
                Some(_) | None => &mut bytes,
            };
            let page = numbers.below(target.len().div_ceil(512)) * 512;
            let at = match numbers.below(4) {
                0 => numbers.below(128),
                1 => page + numbers.below(64),
                2 => self.places[numbers.below(self.places.len())] + numbers.below(32),
                _ => numbers.below(target.len()),
            };
            let value = [0, 1, 2, 0x7f, 0x80, 0xff, numbers.next() & 0xff][numbers.below(7)];
            let len = [1, 1, 2, 4][numbers.below(4)];
            let value = u8::try_from(value).unwrap();
            for byte in target.iter_mut().skip(at).take(len) {
                *byte = value;
            }
        }
        numbers.cut_sometimes(&mut bytes);
        (bytes, log)
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is configured so")]
fn samples() -> Vec<Sound> {
    let packed = |name: &str| unpacked(&folder("images").join(format!("{name}.zst")));
    let plain = |name: &str| std::fs::read(folder("images").join(name)).unwrap();
    let all = vec![
        Sound::new("sqlite", packed("rpm-sqlite"), None),
        Sound::new("wal", packed("rpm-sqlite"), Some(packed("rpm-wal-log"))),
        Sound::new("ndb", packed("rpm-ndb"), None),
        Sound::new("bdb", packed("rpm-bdb"), None),
        Sound::new("bdb-big", packed("rpm-bdb-big"), None),
        Sound::new("dpkg", plain("dpkg-status"), None),
        Sound::new("apk", plain("apk-installed"), None),
        Sound::new("pacman", plain("pacman-kernel"), None),
    ];
    let only = std::env::var("DETENTE_HOSTILE_SAMPLE");
    let wanted = |sound: &Sound| only.as_ref().map_or(true, |only| only == sound.name);
    all.into_iter().filter(wanted).collect()
}

/// Runs one input, and returns how many packages there were.
fn check(name: &str, seed: u64, bytes: &[u8], log: Option<&[u8]>) -> u64 {
    let what = format!("DETENTE_HOSTILE_SAMPLE={name} DETENTE_HOSTILE_SEED={seed}");
    let found = Cell::new(0);
    let _ = harmless(&what, || found.set(exercise(bytes, log)));
    found.get()
}

#[test]
fn the_corpus_does_no_harm() {
    let mut count = 0;
    for file in std::fs::read_dir(folder("hostile")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "zst") {
            let _ = check(&path.display().to_string(), 0, &unpacked(&path), None);
            count += 1;
        }
    }
    assert!(count > 0, "the corpus is missing");
}

#[test]
fn mutated_samples_do_no_harm() {
    let samples = samples();
    for sound in &samples {
        let found = check(sound.name, u64::MAX, &sound.bytes, sound.log.as_deref());
        assert!(found > 0, "{} is not sound", sound.name);
    }
    for seed in Seeds::of_environment("packages", 1) {
        for sound in &samples {
            let (bytes, log) = sound.mutate(&mut Numbers::new(seed));
            let _ = check(sound.name, seed, &bytes, log.as_deref());
        }
    }
    took_at_most_kib(MOST_KIB);
}
