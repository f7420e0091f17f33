//! Backing files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{ClosedGate, Gate, GateError, MemoryBackend, Opened};
use detente_disk::{Format, Mapped as _, OpenError, OpenOptions, Parents, Place, open, open_with};

use crate::Expect::{Corrupt, Unsupported};
use crate::support::{self, at, check_content, put, sound, sound_content, sound_on};
use crate::{Behind, disk, matches, refused};

#[test]
fn the_backing_name_lies_in_the_first_cluster() {
    let spoilt = |at, field: &[u8]| {
        let mut image = sound_on(b"base", Some(b"raw"));
        put(&mut image, at, field);
        image
    };
    refused(
        spoilt(8, &510_u64.to_be_bytes()),
        &Corrupt(8, "past the first cluster"),
    );
    refused(
        spoilt(8, &u64::MAX.to_be_bytes()),
        &Corrupt(8, "past the first cluster"),
    );
    refused(
        spoilt(8, &100_u64.to_be_bytes()),
        &Corrupt(8, "inside the header"),
    );
    refused(
        spoilt(16, &1024_u32.to_be_bytes()),
        &Corrupt(16, "1024 bytes"),
    );
    refused(spoilt(256, b"\xff"), &Unsupported(256, "UTF-8"));
    refused(
        spoilt(108, &200_u32.to_be_bytes()),
        &Corrupt(104, "past the area"),
    );
    refused(
        sound_on(b"base", Some(b"luks")),
        &Unsupported(8, "\"luks\""),
    );
}

#[test]
fn what_is_not_there_comes_from_the_backing_file() {
    for format in [None, Some(b"raw".as_slice())] {
        let gate = Behind(vec![0x33; 5000]);
        let mut content = vec![0x33; 5000];
        content.resize(support::SOUND_SIZE, 0);
        content[..1536].copy_from_slice(&sound_content()[..1536]);
        let disk = disk(sound_on(b"base", format), &gate).unwrap();
        check_content(&*disk, &content, "on a shorter file");
    }
}

/// A base that looks like qcow2 but is stated to be raw is raw: the guest may have written it so.
#[test]
fn the_stated_backing_format_is_obeyed() {
    let file = Arc::new(MemoryBackend::new(sound_on(b"base", Some(b"raw"))));
    let image = open(Path::new("top"), file, &Behind(sound())).unwrap();
    let formats: Vec<_> = image.layers.iter().map(|layer| layer.format).collect();
    assert_eq!(formats, [Format::Qcow2, Format::Raw]);
    let mut start = [0; 512];
    image.reader.read_exact_at(1536, &mut start).unwrap();
    assert!(start == sound()[1536..2048]);
}

#[test]
fn parents_may_be_left_alone() {
    let options = OpenOptions {
        parents: Parents::Ignore,
        ..OpenOptions::default()
    };
    let file = Arc::new(MemoryBackend::new(sound_on(b"/etc/shadow", None)));
    let image = open_with(Path::new("top"), file, &ClosedGate, &options).unwrap();
    assert_eq!(image.layers.len(), 1);
    check_content(&*image.reader, &sound_content(), "without its parent");
    let extent = image.stack.map_extent(1536, 512).unwrap();
    assert_eq!(extent.place, Place::Unallocated);
}

#[test]
fn the_format_may_be_said() {
    let options = OpenOptions {
        format: Some(Format::Raw),
        ..OpenOptions::default()
    };
    let file = Arc::new(MemoryBackend::new(sound()));
    let image = open_with(Path::new("top"), file, &ClosedGate, &options).unwrap();
    check_content(&*image.reader, &sound(), "as raw");
}

#[test]
fn a_broken_backing_file_is_named() {
    let mut base = sound();
    put(&mut base, 32, &2_u32.to_be_bytes());
    let error = disk(sound_on(b"base.qcow2", None), &Behind(base))
        .err()
        .unwrap();
    let OpenError::Read(error) = error else {
        panic!("{error}")
    };
    matches(&error, &Unsupported(32, "(in the backing file base.qcow2)"));
    let error = disk(sound_on(b"base", Some(b"qcow2")), &Behind(b"text".to_vec()));
    assert!(
        error
            .err()
            .unwrap()
            .to_string()
            .contains("in the backing file base")
    );
    let error = disk(sound_on(b"base", None), &Behind(Vec::new()))
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .contains("the file is empty (in the backing file base)")
    );
}

#[test]
fn a_read_that_fails_in_the_backing_file_names_it() {
    let mut base = sound();
    put(&mut base, at::L2 + 24, &0x10_0000_u64.to_be_bytes());
    let disk = disk(sound_on(b"base.qcow2", None), &Behind(base)).unwrap();
    let error = disk.read_exact_at(1536, &mut [0; 512]).unwrap_err();
    let words = "guest offset 0x600 goes past the end of the file at 0xc00 (in the backing file \
                 base.qcow2)";
    matches(&error, &Corrupt(0x10_0000, words));
}

/// Yields an image that names itself, under ever new names or always the same.
struct Endless(bool);

impl Gate for Endless {
    fn open(&self, name: &str) -> Result<Opened, GateError> {
        let next = if self.0 {
            format!("{name}x")
        } else {
            name.to_owned()
        };
        let reader = Arc::new(MemoryBackend::new(sound_on(next.as_bytes(), None)));
        Ok(Opened {
            reader,
            path: PathBuf::from(name),
            gate: Box::new(Self(self.0)),
        })
    }
}

#[test]
fn a_chain_ends() {
    let Err(OpenError::Loop { error, .. }) = disk(sound_on(b"a", None), &Endless(false)) else {
        panic!("a loop was opened");
    };
    matches(&error, &Corrupt(256, "comes back to a"));
    let Err(OpenError::Read(error)) = disk(sound_on(b"a", None), &Endless(true)) else {
        panic!("an endless chain was opened");
    };
    matches(&error, &Unsupported(256, "more than 16 files"));
}

#[test]
fn a_closed_gate_is_said_so() {
    let error = disk(sound_on(b"/etc/shadow", None), &ClosedGate)
        .err()
        .unwrap();
    assert!(
        matches!(error, OpenError::Gate(GateError::Refused { .. })),
        "{error}"
    );
}
