//! Each rule of qcow2: a sound image with one field spoiled, and what is said about it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod backing;
mod data_file;
mod header;
mod snapshots;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{BlockRead, ClosedGate, Gate, GateError, MemoryBackend, Opened, ReadError};
use detente_disk::{OpenError, open};

use support::{check_content, put, sound, sound_content};

/// What is expected of an image: the cause, where, and words of the sentence.
enum Expect {
    Corrupt(u64, &'static str),
    Unsupported(u64, &'static str),
}
use Expect::{Corrupt, Unsupported};

/// A gate with one file behind it, whatever the name.
struct Behind(Vec<u8>);

impl Gate for Behind {
    fn open(&self, name: &str) -> Result<Opened, GateError> {
        let reader = Arc::new(MemoryBackend::new(self.0.clone()));
        Ok(Opened {
            reader,
            path: PathBuf::from(name),
            gate: Box::new(Self(self.0.clone())),
        })
    }
}

fn disk(image: Vec<u8>, gate: &dyn Gate) -> Result<Arc<dyn BlockRead>, OpenError> {
    let file = Arc::new(MemoryBackend::new(image));
    Ok(open(Path::new("top.qcow2"), file, gate)?.reader)
}

fn matches(error: &ReadError, expect: &Expect) {
    let (offset, words) = match (error, expect) {
        (ReadError::Corrupt { offset, rule }, Corrupt(at, words)) if offset == at => (rule, words),
        (ReadError::Unsupported { offset, what }, Unsupported(at, words)) if offset == at => {
            (what, words)
        }
        (error, Corrupt(at, words)) => panic!("{error} instead of corrupt, {at:#x}, {words}"),
        (error, Unsupported(at, words)) => {
            panic!("{error} instead of unsupported, {at:#x}, {words}")
        }
    };
    assert!(offset.contains(words), "{error} lacks {words:?}");
}

/// The image is refused when it is opened.
fn refused(image: Vec<u8>, expect: &Expect) {
    match disk(image, &Behind(vec![0; 512])) {
        Err(OpenError::Read(error)) => matches(&error, expect),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was opened"),
    }
}

/// The sound image with `field` at `at` is refused when it is opened.
fn check(at: usize, field: &[u8], expect: Expect) {
    let mut image = sound();
    put(&mut image, at, field);
    refused(image, &expect);
}

/// The sound image with `field` at `at` opens, but its first 2048 bytes cannot be read.
fn check_read(at: usize, field: &[u8], expect: Expect) {
    let mut image = sound();
    put(&mut image, at, field);
    let disk = disk(image, &ClosedGate).unwrap();
    matches(&disk.read_exact_at(0, &mut [0; 2048]).unwrap_err(), &expect);
    // What is not touched by it can be read.
    disk.read_exact_at(2048, &mut [0; 2048]).unwrap();
}

#[test]
fn the_sound_image_is_sound() {
    check_content(
        &*disk(sound(), &ClosedGate).unwrap(),
        &sound_content(),
        "sound",
    );
}

#[test]
fn qemu_reads_the_sound_image_alike() {
    if !support::has_qemu("qemu_reads_the_sound_image_alike") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sound.qcow2"), sound()).unwrap();
    assert!(support::qemu_content(folder.path(), "sound.qcow2") == sound_content());
}

#[test]
fn reads_past_the_end_are_refused() {
    let disk = disk(sound(), &ClosedGate).unwrap();
    for (offset, len) in [
        (support::SOUND_SIZE as u64, 1),
        (0, support::SOUND_SIZE + 1),
        (u64::MAX, 2),
    ] {
        let error = disk.read_exact_at(offset, &mut vec![0; len]).unwrap_err();
        assert!(matches!(error, ReadError::PastEnd { .. }), "{error}");
    }
    assert!(disk.next_extent(support::SOUND_SIZE as u64).is_err());
}
