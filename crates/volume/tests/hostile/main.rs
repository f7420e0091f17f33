//! Hostile disks: a corpus, and seeded mutations of sound samples, for a limited time.
//!
//! `detente_samples::Seeds` says for how long; a failure prints the sample and the seed, and
//! `DETENTE_HOSTILE_ONLY=SAMPLE` with `DETENTE_HOSTILE_SEED` runs that one alone. A prefix takes
//! all samples whose names start so.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "what is needed to run a failure again")]

#[path = "../reading/support.rs"]
#[expect(dead_code, reason = "only the samples are used here")]
mod support;

mod seals;
mod spoiled;

use std::path::Path;
use std::sync::Arc;

use detente_block::{BlockRead, MemoryBackend};
use detente_samples::{Numbers, Seeds, harmless, took_at_most_kib};
use detente_volume::exercise;
use spoiled::Sound;
use support::{ImageBuilder, poke, sample, seal_btrfs, xfs_pieces};

/// One sample is there at a time, twice, with 20 MiB; the rest is what the exerciser may take at
/// its worst.
const MOST_KIB: u64 = 160 * 1024;

/// What is mutated: the parts of a disk, each format in its variants.
const SAMPLES: [&str; 24] = [
    "gpt",
    "mbr",
    "fat32",
    "fat12",
    "fat16",
    "ext2",
    "ext4-plain",
    "ext4-csum",
    "ext4-journal",
    "ext4-index",
    "xfs-v4",
    "xfs-v5",
    "xfs-1k",
    "xfs-dirty",
    "iso-rock",
    "iso-joliet",
    "iso-plain",
    "lvm-kinds-a",
    "lvm-text",
    "md-12-0",
    "md-090-0",
    "md-lvm-0",
    "btrfs",
    "btrfs-log",
];

fn sound(name: &'static str) -> Sound {
    let xfs = |block: usize| {
        let bytes = sample(name);
        let pieces = xfs_pieces(&bytes, block);
        let seal = seals::xfs(&bytes, block);
        // Only metadata is worth spoiling, and of the log what was written.
        let is_inside = |place: usize| {
            let before = pieces.partition_point(|&(at, _, _)| at <= place);
            let (at, len, _) = pieces[before.saturating_sub(1)];
            (at..at + len).contains(&place)
        };
        Sound::new(bytes).only(is_inside).sealed(seal)
    };
    match name {
        "gpt" => Sound::new(gpt()).sealed(seals::gpt()),
        "mbr" => Sound::new(mbr()),
        "fat32" => Sound::new(small_fat32()),
        "xfs-v5" | "xfs-dirty" => xfs(4096),
        "xfs-1k" => xfs(1024),
        "btrfs" | "btrfs-log" => Sound::new(small_btrfs(name)).sealed(seals::btrfs()),
        "md-12-0" | "md-lvm-0" => Sound::new(sample(name)).sealed(seals::md()),
        // The group's text without its checksum.
        "lvm-text" => Sound::new(metadata(&sample("lvm-kinds-a"))),
        _ => Sound::new(sample(name)),
    }
}

fn gpt() -> Vec<u8> {
    let mut gpt = ImageBuilder::new(2 << 20, 512)
        .gpt(&[(100, 2200), (2300, 2560)])
        .bytes;
    poke(&mut gpt, 100 * 512, &sample("ext4-plain"));
    poke(&mut gpt, 2300 * 512, &sample("fat12"));
    gpt
}

fn mbr() -> Vec<u8> {
    let mbr = ImageBuilder::new(1 << 20, 512)
        .mbr_entry(0, 0, 0x83, (10, 20))
        .mbr_entry(0, 1, 0x05, (100, 200))
        .mbr_entry(100 * 512, 0, 0x83, (1, 9))
        .mbr_entry(100 * 512, 1, 0x05, (50, 50));
    mbr.bytes
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

#[test]
fn the_corpus_does_no_harm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "zst") {
            let packed = std::fs::read(&path).unwrap();
            let name = path.file_name().unwrap().display().to_string();
            let bytes = zstd::decode_all(packed.as_slice()).unwrap();
            let disk: Arc<dyn BlockRead> = Arc::new(MemoryBackend::new(bytes));
            eprintln!("{name}: {:?}", harmless(&name, || exercise(&disk)));
            count += 1;
        }
    }
    assert!(count > 0, "the corpus is missing");
    took_at_most_kib(MOST_KIB);
}

#[test]
fn mutated_samples_do_no_harm() {
    let only = std::env::var("DETENTE_HOSTILE_ONLY").unwrap_or_default();
    let wanted = SAMPLES.into_iter().filter(|name| name.starts_with(&only));
    let wanted: Vec<&str> = wanted.collect();
    let parts = u32::try_from(wanted.len()).unwrap();
    for name in wanted {
        let mut sound = sound(name);
        let mut slowest = (harmless(name, || exercise(&sound.disk())), u64::MAX);
        for seed in Seeds::of_environment(name, parts) {
            sound.mutate(&mut Numbers::new(seed));
            let what = format!("{name} with seed {seed}");
            let took = harmless(&what, || exercise(&sound.disk()));
            slowest = slowest.max((took, seed));
        }
        eprintln!("{name}: the slowest {:?}, seed {}", slowest.0, slowest.1);
    }
    took_at_most_kib(MOST_KIB);
}
