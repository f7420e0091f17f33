//! Hostile disks: a corpus, and seeded mutations of sound samples, for a limited time.
//!
//! `detente_samples::Seeds` says for how long; a panic prints the sample and the seed, and
//! `DETENTE_HOSTILE_REPLAY=SAMPLE:SEED` runs that one alone. `DETENTE_HOSTILE_ONLY=PREFIX` takes
//! only the samples whose names start so.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "what is needed to run a failure again")]

#[path = "reading/support.rs"]
#[expect(dead_code, reason = "only the samples are used here")]
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use detente_samples::{Numbers, Seeds};
use detente_volume::exercise;
use support::{ImageBuilder, poke, sample, seal_btrfs, seal_xfs, xfs_pieces};

/// No mutation may take longer; sound samples take milliseconds, debug builds ten times that.
const MOST_SECONDS: u64 = 20;

/// The samples are 20 MiB; the rest is what the exerciser may take at its worst.
const MOST_KIB: u64 = 256 * 1024;

/// The most memory that this process ever had, where the system says so.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn check_memory() {
    let peak = peak_kib().unwrap_or(0);
    assert!(peak <= MOST_KIB, "{peak} KiB were used");
}

/// A sample, and the bytes of it that are worth spoiling: those that are not zero, and a few around.
struct Sound {
    name: &'static str,
    bytes: Vec<u8>,
    places: Vec<usize>,
    /// Makes checksums right again, for most mutations: they would hide all that lies behind them.
    seal: Option<fn(&mut [u8])>,
}

impl Sound {
    fn new(name: &'static str, bytes: Vec<u8>) -> Self {
        let blocks = bytes.chunks(32).enumerate();
        let used = blocks.filter(|(_, block)| block.iter().any(|&byte| byte != 0));
        let places = used.map(|(index, _)| index * 32).collect();
        Self {
            name,
            bytes,
            places,
            seal: None,
        }
    }

    /// One to eight fields become something else.
    fn mutate(&self, numbers: &mut Numbers) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for _ in 0..=numbers.below(8) {
            // The first structures matter most: half of the changes go there.
            let range = if numbers.below(2) == 0 {
                self.places.len()
            } else {
                self.places.len().min(300)
            };
            let at = self.places[numbers.below(range)] + numbers.below(32);
            // The last piece may be shorter.
            let at = at.min(bytes.len() - 1);
            let value = [0, 1, 0x7f, 0x80, 0xff, numbers.next() & 0xff][numbers.below(6)];
            let value = u8::try_from(value).unwrap();
            let len = [1, 1, 2, 4, 8][numbers.below(5)].min(bytes.len() - at);
            bytes[at..at + len].fill(value);
        }
        if numbers.below(16) == 0 {
            bytes.truncate(numbers.below(self.bytes.len()));
        }
        if let Some(seal) = self.seal
            && numbers.below(8) != 0
        {
            seal(&mut bytes);
        }
        bytes
    }
}

/// FAT32 needs 33 MiB by the rules; fewer sectors still open.
fn small_fat32() -> Vec<u8> {
    let mut bytes = sample("fat32");
    poke(&mut bytes, 32, &1600_u32.to_le_bytes());
    bytes.truncate(1600 * 512);
    bytes
}

/// A device that ends where it is no longer used.
fn small_btrfs(name: &str) -> Vec<u8> {
    let mut bytes = sample(name);
    let used = bytes.iter().rposition(|&byte| byte != 0).unwrap();
    bytes.truncate((used + 1).next_multiple_of(4096));
    let len = bytes.len() as u64;
    poke(&mut bytes, 65_536 + 209, &len.to_le_bytes());
    seal_btrfs(&mut bytes);
    bytes
}

/// Version 5: only metadata is worth spoiling, and of the log what was written.
fn xfs_samples() -> [Sound; 3] {
    let sound = |name, block: usize, seal: fn(&mut [u8])| {
        let sound = Sound::new(name, sample(name));
        let pieces = xfs_pieces(&sound.bytes, block);
        let is_inside = |place: &usize| {
            let before = pieces.partition_point(|(at, _, _)| at <= place);
            let (at, len, _) = pieces[before.saturating_sub(1)];
            (at..at + len).contains(place)
        };
        let places = sound.places.iter().copied().filter(is_inside).collect();
        Sound {
            places,
            seal: Some(seal),
            ..sound
        }
    };
    [
        sound("xfs-v5", 4096, |bytes| seal_xfs(bytes, 4096)),
        sound("xfs-1k", 1024, |bytes| seal_xfs(bytes, 1024)),
        sound("xfs-dirty", 4096, |bytes| seal_xfs(bytes, 4096)),
    ]
}

fn samples() -> Vec<Sound> {
    let mut gpt = ImageBuilder::new(2 << 20, 512)
        .gpt(&[(100, 2200), (2300, 2560)])
        .bytes;
    poke(&mut gpt, 100 * 512, &sample("ext4-plain"));
    poke(&mut gpt, 2300 * 512, &sample("fat12"));
    let mbr = ImageBuilder::new(1 << 20, 512)
        .mbr_entry(0, 0, 0x83, (10, 20))
        .mbr_entry(0, 1, 0x05, (100, 200))
        .mbr_entry(100 * 512, 0, 0x83, (1, 9))
        .mbr_entry(100 * 512, 1, 0x05, (50, 50));
    let mut all = vec![
        Sound::new("gpt", gpt),
        Sound::new("mbr", mbr.bytes),
        Sound::new("fat32", small_fat32()),
    ];
    for name in [
        "ext2",
        "ext4-plain",
        "ext4-csum",
        "ext4-journal",
        "fat12",
        "fat16",
        "xfs-v4",
        "iso-rock",
        "iso-joliet",
        "iso-plain",
    ] {
        all.push(Sound::new(name, sample(name)));
    }
    // Whole disks of a group and of an array, and the group's text without its checksum.
    for name in ["lvm-kinds-a", "md-12-0", "md-090-0", "md-lvm-0"] {
        all.push(Sound::new(name, sample(name)));
    }
    for name in ["btrfs", "btrfs-log"] {
        let seal: fn(&mut [u8]) = seal_btrfs;
        all.push(Sound {
            seal: Some(seal),
            ..Sound::new(name, small_btrfs(name))
        });
    }
    all.extend(xfs_samples());
    all.push(Sound::new("lvm-text", metadata(&sample("lvm-kinds-a"))));
    all
}

/// The newest text of an LVM volume, as \[LVM2\] `struct mda_header` at 4 KiB names it, with the mark
/// by which the exerciser knows it.
fn metadata(disk: &[u8]) -> Vec<u8> {
    let field = |at: usize| {
        let bytes = disk[4096 + at..][..8].try_into().unwrap();
        usize::try_from(u64::from_le_bytes(bytes)).unwrap()
    };
    let text = &disk[4096 + field(40)..][..field(48)];
    let text = String::from_utf8_lossy(text).replace('\0', " ");
    format!("# LVM2 metadata\n{text}").into_bytes()
}

/// Runs one input, and says how long it took; how to run it again if it panics or takes too long.
fn check(name: &str, seed: u64, bytes: &[u8]) -> Duration {
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| exercise(bytes)));
    let took = start.elapsed();
    if outcome.is_err() || took > Duration::from_secs(MOST_SECONDS) {
        eprintln!("run again with DETENTE_HOSTILE_REPLAY={name}:{seed} ({took:?})");
        panic!("{name}:{seed} panicked or took too long");
    }
    took
}

#[test]
fn the_corpus_does_no_harm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "zst") {
            let packed = std::fs::read(&path).unwrap();
            let name = path.file_name().unwrap().display().to_string();
            let bytes = zstd::decode_all(packed.as_slice()).unwrap();
            eprintln!("{name}: {:?}", check(&name, 0, &bytes));
        }
    }
    check_memory();
}

#[test]
fn mutated_samples_do_no_harm() {
    let mut samples = samples();
    if let Ok(prefix) = std::env::var("DETENTE_HOSTILE_ONLY") {
        samples.retain(|sound| sound.name.starts_with(&prefix));
    }
    if let Ok(replay) = std::env::var("DETENTE_HOSTILE_REPLAY") {
        let (name, seed) = replay.split_once(':').unwrap();
        let sound = samples.iter().find(|sound| sound.name == name).unwrap();
        let seed = seed.parse().unwrap();
        let took = check(name, seed, &sound.mutate(&mut Numbers::new(seed)));
        return eprintln!("{replay} took {took:?}");
    }
    for sound in &samples {
        check(sound.name, u64::MAX, &sound.bytes);
    }
    let mut slowest = (Duration::ZERO, "", 0);
    for seed in Seeds::of_environment("volumes", 1) {
        for sound in &samples {
            let took = check(sound.name, seed, &sound.mutate(&mut Numbers::new(seed)));
            slowest = slowest.max((took, sound.name, seed));
        }
    }
    eprintln!("the slowest: {slowest:?}");
    check_memory();
}
