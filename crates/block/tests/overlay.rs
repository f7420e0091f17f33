//! Overlays and what they write to, held against a vector.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::sync::Arc;

use detente_block::{
    BlockRead, BlockWrite, ExtentKind, MemoryBackend, MemoryDisk, Overlay, ReadError, WritableFile,
    WriteError, WriteProtected,
};
use proptest::prelude::*;

const BASE_BYTES: usize = 40_000;

fn base() -> Vec<u8> {
    (0..BASE_BYTES)
        .map(|at| u8::try_from(at / 7 % 251).unwrap())
        .collect()
}

fn overlay(store: Arc<dyn BlockWrite>) -> Overlay {
    Overlay::new(Arc::new(MemoryBackend::new(base())), store).unwrap()
}

fn all(disk: &dyn BlockRead) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(disk.len_bytes()).unwrap()];
    disk.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

#[derive(Debug, Clone)]
enum Step {
    Write(usize, usize, u8),
    Zero(usize, usize),
    Grow(usize),
    Read(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let place = 0..BASE_BYTES + 10_000;
    let len = prop_oneof![0_usize..600, 4000_usize..4200, 0_usize..20_000];
    prop_oneof![
        4 => (place.clone(), len.clone(), 1_u8..).prop_map(|(at, len, fill)| Step::Write(at, len, fill)),
        2 => (place.clone(), len.clone()).prop_map(|(at, len)| Step::Zero(at, len)),
        1 => (0_usize..3000).prop_map(Step::Grow),
        2 => (place, len).prop_map(|(at, len)| Step::Read(at, len)),
    ]
}

/// Does a step to the disk and to the model; both must agree on whether it can be done.
fn take(disk: &dyn BlockWrite, model: &mut Vec<u8>, step: &Step) {
    match *step {
        Step::Write(at, len, fill) => {
            let bytes: Vec<u8> = (0..len)
                .map(|index| fill ^ u8::try_from(index % 256).unwrap())
                .collect();
            let done = disk.write_all_at(at as u64, &bytes);
            match model.get_mut(at..at + len) {
                Some(range) => {
                    done.unwrap();
                    range.copy_from_slice(&bytes);
                }
                None => assert!(matches!(done, Err(WriteError::PastEnd { .. }))),
            }
        }
        Step::Zero(at, len) => {
            let done = disk.zero_at(at as u64, len as u64);
            match model.get_mut(at..at + len) {
                Some(range) => {
                    done.unwrap();
                    range.fill(0);
                }
                None => assert!(matches!(done, Err(WriteError::PastEnd { .. }))),
            }
        }
        Step::Grow(by) => {
            model.resize(model.len() + by, 0);
            disk.grow(model.len() as u64).unwrap();
        }
        Step::Read(at, len) => {
            let mut bytes = vec![0; len];
            let done = disk.read_exact_at(at as u64, &mut bytes);
            match model.get(at..at + len) {
                Some(range) => {
                    done.unwrap();
                    assert_eq!(bytes, range);
                }
                None => assert!(matches!(done, Err(ReadError::PastEnd { .. }))),
            }
        }
    }
}

fn check(store: Arc<dyn BlockWrite>, steps: &[Step]) {
    let disk = overlay(store);
    let mut model = base();
    for step in steps {
        take(&disk, &mut model, step);
    }
    assert_eq!(all(&disk), model);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_overlay_over_memory_is_like_a_vector(steps in prop::collection::vec(step(), 0..40)) {
        check(Arc::new(MemoryDisk::default()), &steps);
    }

    // The store holds something else beforehand, and is longer: none of it may be seen.
    #[test]
    fn what_a_store_held_before_is_never_read(steps in prop::collection::vec(step(), 0..40)) {
        check(Arc::new(MemoryDisk::new(vec![0xee; BASE_BYTES * 2])), &steps);
    }

    #[test]
    fn an_overlay_over_a_file_is_like_a_vector(steps in prop::collection::vec(step(), 0..20)) {
        let file = WritableFile::from_file(tempfile::tempfile().unwrap()).unwrap();
        check(Arc::new(file), &steps);
    }

    #[test]
    fn a_file_is_like_a_vector(steps in prop::collection::vec(step(), 0..20)) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&base()).unwrap();
        let disk = WritableFile::from_file(file).unwrap();
        let mut model = base();
        for step in &steps {
            take(&disk, &mut model, step);
        }
        assert_eq!(all(&disk), model);
    }
}

#[test]
fn a_write_stays_above_the_base() {
    let below = Arc::new(MemoryDisk::new(base()));
    let disk = Overlay::new(below.clone(), Arc::new(MemoryDisk::default())).unwrap();
    disk.write_all_at(100, b"above").unwrap();
    disk.zero_at(8000, 9000).unwrap();
    disk.flush().unwrap();
    assert_eq!(all(&*below), base());
    assert_ne!(all(&disk), base());
}

#[test]
fn a_disk_does_not_become_shorter() {
    let disk = overlay(Arc::new(MemoryDisk::default()));
    let shorter = disk.grow(BASE_BYTES as u64 - 1);
    assert!(matches!(shorter, Err(WriteError::Unsupported { .. })));
    assert_eq!(disk.len_bytes(), BASE_BYTES as u64);
}

#[test]
fn extents_of_an_overlay_cover_it() {
    let disk = overlay(Arc::new(MemoryDisk::default()));
    disk.write_all_at(5000, b"above").unwrap();
    disk.grow(90_000).unwrap();
    let (mut at, mut zeros) = (0, 0);
    while at < disk.len_bytes() {
        let extent = disk.next_extent(at).unwrap();
        assert!(extent.offset == at && extent.len > 0);
        at += extent.len;
        if extent.kind == ExtentKind::Zero {
            zeros += extent.len;
        }
    }
    assert_eq!((at, zeros), (90_000, 50_000));
}

#[test]
fn a_new_store_takes_no_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("overlay");
    let file = WritableFile::create(&path, 1 << 40).unwrap();
    assert_eq!(file.len_bytes(), 1 << 40);
    file.write_all_at(1 << 39, b"far").unwrap();
    let kept = std::os::unix::fs::MetadataExt::blocks(&std::fs::metadata(&path).unwrap());
    assert!(kept < 2048, "{kept} blocks");
}

#[test]
fn a_folder_is_no_disk() {
    let folder = tempfile::tempdir().unwrap();
    let refused = WritableFile::open(folder.path()).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
}

#[test]
fn a_file_that_became_longer_is_used_only_when_that_is_wanted() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(1000).unwrap();
    let disk = WritableFile::from_file(file.try_clone().unwrap()).unwrap();
    file.set_len(3000).unwrap();
    assert_eq!(disk.len_bytes(), 1000);
    disk.grow(2000).unwrap();
    assert_eq!(disk.len_bytes(), 2000);
    assert_eq!(file.metadata().unwrap().len(), 3000, "nothing is cut off");
    disk.write_all_at(1999, b"x").unwrap();
}

#[test]
fn what_is_protected_is_read_and_not_written() {
    let disk = WriteProtected::new(Arc::new(MemoryBackend::new(base())));
    assert_eq!(all(&disk), base());
    let refused = [
        disk.write_all_at(0, b"x"),
        disk.zero_at(0, 1),
        disk.grow(1 << 20),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(WriteError::Unsupported { .. })));
    }
    disk.flush().unwrap();
    assert_eq!(disk.len_bytes(), BASE_BYTES as u64);
}
