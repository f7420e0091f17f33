//! Random disks through every kind of target and back: the bytes are those that were written.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use detente_block::{DirectoryGate, FileBackend};
use detente_copy::{ConvertOptions, OnExisting, Unwatched, Zeroes, convert};
use detente_disk::{
    Compression, Format, Image, OpenOptions, Qcow2Spec, Qcow2Version, Target, VhdKind, VhdSpec,
    VhdxSpec, open_with,
};

/// Xorshift: the same numbers each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// A disk with stretches of bytes that compress, that do not, and that are zero, at odd places.
fn write_disk(path: &Path, random: &mut Random) -> Vec<u8> {
    let len = (random.below(6 << 20) / 512 + 1) * 512;
    let mut bytes = vec![0; usize::try_from(len).unwrap()];
    let file = File::create(path).unwrap();
    file.set_len(len).unwrap();
    for _ in 0..random.below(12) {
        let start = random.below(len);
        let most = [700, 5000, 70_000, 1_500_000][usize::try_from(random.below(4)).unwrap()];
        let end = len.min(start + 1 + random.below(most));
        let range = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
        let kind = random.below(3);
        for byte in &mut bytes[range.clone()] {
            *byte = match kind {
                0 => 0,
                1 => b'a' + u8::try_from(start % 20).unwrap(),
                _ => u8::try_from(random.below(256)).unwrap(),
            };
        }
        file.write_all_at(&bytes[range], start).unwrap();
    }
    bytes
}

fn image(path: &Path, format: Format) -> Image {
    let file = Arc::new(FileBackend::open(path).unwrap());
    let options = OpenOptions {
        format: Some(format),
        ..OpenOptions::default()
    };
    open_with(path, file, &DirectoryGate::beside(path), &options).unwrap()
}

#[track_caller]
fn check(target: &Target, seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let [source, copy, back] = ["source", "copy", "back"].map(|name| folder.path().join(name));
    let mut random = Random(seed);
    for round in 0..6 {
        let expect = write_disk(&source, &mut random);
        for zeroes in [Zeroes::AsMapped, Zeroes::Detect] {
            let options = ConvertOptions {
                zeroes,
                on_existing: OnExisting::Replace,
                ..ConvertOptions::default()
            };
            let raw = image(&source, Format::Raw);
            convert(&raw, target, &copy, &options, &Unwatched).unwrap();
            let made = image(&copy, target.format());
            convert(&made, &Target::Raw, &back, &options, &Unwatched).unwrap();
            let mut found = fs::read(&back).unwrap();
            // A format may round the size up.
            let rest = found.split_off(expect.len().min(found.len()));
            assert!(found == expect, "{target:?} {zeroes:?} round {round}");
            assert!(rest.iter().all(|byte| *byte == 0));
        }
    }
}

#[test]
fn raw_disks_hold_what_was_written() {
    check(&Target::Raw, 11);
}

#[test]
fn qcow2_images_of_every_cluster_size_hold_what_was_written() {
    for (seed, cluster_bits) in [9, 12, 16, 21].into_iter().enumerate() {
        for compression in [None, Some(Compression::Zlib), Some(Compression::Zstd)] {
            let spec = Qcow2Spec {
                cluster_bits,
                compression,
                ..Qcow2Spec::default()
            };
            check(&Target::Qcow2(spec), 100 + seed as u64);
        }
    }
}

#[test]
fn old_qcow2_images_and_subclusters_hold_what_was_written() {
    let old = Qcow2Spec {
        version: Qcow2Version::V2,
        compression: Some(Compression::Zlib),
        ..Qcow2Spec::default()
    };
    let subclusters = Qcow2Spec {
        extended_l2: true,
        ..Qcow2Spec::default()
    };
    check(&Target::Qcow2(old), 200);
    check(&Target::Qcow2(subclusters), 201);
}

#[test]
fn vhdx_images_hold_what_was_written() {
    for logical_sector_bytes in [512, 4096] {
        let spec = VhdxSpec {
            block_bytes: 1 << 20,
            logical_sector_bytes,
            ..VhdxSpec::default()
        };
        check(&Target::Vhdx(spec), 300);
    }
}

#[test]
fn vhd_images_hold_what_was_written() {
    for kind in [VhdKind::Fixed, VhdKind::Dynamic] {
        check(&Target::Vhd(VhdSpec { kind }), 400);
    }
}
