//! The tables from guest to file offsets, and the clusters that they name.

use std::path::Path;
use std::sync::Arc;

use detente_block::{ClosedGate, MemoryBackend, ReadError};
use detente_disk::{FileIndex, Mapped as _, OpenError, Place, open};

use crate::Expect::Corrupt;
use crate::support::{at, put, sound};
use crate::{check, check_read, disk, matches, refused};

#[test]
fn the_l1_table_is_large_enough_and_not_too_large() {
    check(36, &1_u32.to_be_bytes(), Corrupt(36, "takes 2 entries"));
    check(
        36,
        &0x7fff_ffff_u32.to_be_bytes(),
        Corrupt(36, "over 32 MiB"),
    );
    check(24, &u64::MAX.to_be_bytes(), Corrupt(24, "virtual size"));
    check(
        24,
        &(i64::MAX as u64).to_be_bytes(),
        Corrupt(24, "virtual size"),
    );
}

#[test]
fn the_l1_table_lies_aligned_in_the_file() {
    check(40, &0x201_u64.to_be_bytes(), Corrupt(40, "not aligned"));
    check(
        40,
        &0x10_0000_u64.to_be_bytes(),
        Corrupt(0x10_0000, "past the end"),
    );
    check(
        40,
        &u64::MAX.wrapping_sub(511).to_be_bytes(),
        Corrupt(u64::MAX - 511, "past the end"),
    );
}

#[test]
fn l2_tables_lie_aligned_in_the_file() {
    let l1 = at::L1 as u64;
    check(
        at::L1,
        &0x10_0000_u64.to_be_bytes(),
        Corrupt(l1, "past the end"),
    );
    check(
        at::L1 + 8,
        &0x00ff_ffff_ffff_fe00_u64.to_be_bytes(),
        Corrupt(l1 + 8, "past the end"),
    );
    // With clusters of 1 KiB, 0x200 is no multiple of their size any more: the L1 table comes first.
    check(20, &10_u32.to_be_bytes(), Corrupt(40, "not aligned"));
}

#[test]
fn zero_clusters_may_keep_their_room() {
    let mut image = sound();
    let zero = at::PACKED as u64 | 1;
    put(&mut image, at::L2 + 8, &zero.to_be_bytes());
    let file = Arc::new(MemoryBackend::new(image));
    let image = open(Path::new("top"), file, &ClosedGate).unwrap();
    let extent = image.stack.map_extent(600, 10_000).unwrap();
    let room = Some((FileIndex(0), at::PACKED as u64 + 88));
    assert_eq!((extent.len, extent.place), (424, Place::Zero { room }));
}

#[test]
fn a_file_that_ends_early_is_corrupt() {
    for len in [4, 5, 71, 72, 103] {
        let image = sound()[..len].to_vec();
        let Err(OpenError::Read(ReadError::Corrupt { rule, .. })) = disk(image, &ClosedGate) else {
            panic!("{len} bytes were opened");
        };
        assert!(rule.contains("ends inside its header"), "{len}: {rule}");
    }
    refused(
        sound()[..at::L1 + 8].to_vec(),
        &Corrupt(at::L1 as u64, "past the end"),
    );
    refused(
        sound()[..at::L2 + 8].to_vec(),
        &Corrupt(at::L1 as u64, "past the end"),
    );
}

#[test]
fn data_past_the_end_of_the_file_is_an_error_that_says_where() {
    let disk = disk(sound()[..at::DATA + 100].to_vec(), &ClosedGate).unwrap();
    let error = disk.read_exact_at(0, &mut [0; 512]).unwrap_err();
    matches(
        &error,
        &Corrupt(at::DATA as u64, "goes past the end of the file at 0x664"),
    );
    disk.read_exact_at(0, &mut [0; 100]).unwrap();
    disk.read_exact_at(512, &mut [0; 512]).unwrap();
    let error = disk.read_exact_at(1024, &mut [0; 512]).unwrap_err();
    matches(
        &error,
        &Corrupt(at::PACKED as u64, "past the end of the file"),
    );
}

#[test]
fn clusters_are_aligned() {
    // Clusters of 512 bytes are always aligned: so a hand-made image with clusters of 1 KiB.
    let mut image = sound();
    image.resize(0x4000, 0);
    put(&mut image, 20, &10_u32.to_be_bytes());
    put(&mut image, 40, &0x1000_u64.to_be_bytes());
    put(&mut image, 0x1000, &0x2000_u64.to_be_bytes());
    put(&mut image, 0x2000, &0x2200_u64.to_be_bytes());
    let disk = disk(image, &ClosedGate).unwrap();
    let error = disk.read_exact_at(0, &mut [0; 1]).unwrap_err();
    matches(&error, &Corrupt(0x2000, "0x2200 is not aligned"));
}

#[test]
fn zero_clusters_need_version_3() {
    let mut image = sound();
    put(&mut image, 4, &2_u32.to_be_bytes());
    let disk = disk(image, &ClosedGate).unwrap();
    disk.read_exact_at(0, &mut [0; 512]).unwrap();
    let error = disk.read_exact_at(512, &mut [0; 1]).unwrap_err();
    matches(&error, &Corrupt(at::L2 as u64 + 8, "version 2"));
}

#[test]
fn compressed_clusters_hold_a_whole_cluster() {
    let packed = at::PACKED as u64;
    check_read(at::PACKED, &[0xff; 16], Corrupt(packed, "cannot be read"));
    // A stored block of four bytes, the last one.
    check_read(
        at::PACKED,
        b"\x01\x04\x00\xfb\xffabcd",
        Corrupt(packed, "only 4 bytes"),
    );
    let far = (1_u64 << 62 | 0x10_0000).to_be_bytes();
    check_read(at::L2 + 16, &far, Corrupt(0x10_0000, "past the end"));
}
