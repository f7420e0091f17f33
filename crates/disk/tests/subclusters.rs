//! Extended L2 entries: the rules of their bitmaps, on a hand-made image.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::sync::Arc;

use detente_block::{BlockRead, ClosedGate, MemoryBackend, ReadError};
use support::{check_content, put, sound};

const CLUSTER: usize = 16 << 10;
const L1: usize = CLUSTER;
const L2: usize = 2 * CLUSTER;
const DATA: usize = 3 * CLUSTER;
const SUBCLUSTER: usize = CLUSTER / 32;

/// An image of two clusters with subclusters; the first has this descriptor and bitmap, and bytes
/// of 0x44.
fn image(descriptor: u64, bitmap: u64) -> Arc<dyn BlockRead> {
    let mut image = sound();
    image.truncate(512);
    image.resize(DATA, 0);
    image.resize(DATA + CLUSTER, 0x44);
    put(&mut image, 20, &14_u32.to_be_bytes()); // cluster_bits
    put(&mut image, 24, &(2 * CLUSTER as u64).to_be_bytes()); // size
    put(&mut image, 40, &(L1 as u64).to_be_bytes()); // l1_table_offset
    put(&mut image, 72, &16_u64.to_be_bytes()); // incompatible: extended L2
    put(&mut image, L1, &(L2 as u64).to_be_bytes());
    put(&mut image, L2, &descriptor.to_be_bytes());
    put(&mut image, L2 + 8, &bitmap.to_be_bytes());
    let file = Arc::new(MemoryBackend::new(image));
    detente_disk::open(Path::new("sub.qcow2"), file, &ClosedGate)
        .unwrap()
        .reader
}

#[test]
fn allocated_subclusters_are_data_and_the_others_zero() {
    // Subclusters 0 and 31 allocated, 1 zero.
    let disk = image(DATA as u64, 1 << 33 | 1 << 31 | 1);
    let mut content = vec![0; 2 * CLUSTER];
    content[..SUBCLUSTER].fill(0x44);
    content[31 * SUBCLUSTER..CLUSTER].fill(0x44);
    check_content(&*disk, &content, "subclusters");
    let first = disk.next_extent(0).unwrap();
    assert_eq!(first.len, SUBCLUSTER as u64);
}

/// Bit 0 of the descriptor is reserved here, not the zero flag.
#[test]
fn the_zero_flag_has_no_meaning() {
    let disk = image(DATA as u64 | 1, 0xffff_ffff);
    let mut content = vec![0x44; CLUSTER];
    content.resize(2 * CLUSTER, 0);
    check_content(&*disk, &content, "reserved bit");
}

fn corrupt(disk: &dyn BlockRead, words: &str) {
    match disk.read_exact_at(0, &mut [0; 1]) {
        Err(ReadError::Corrupt { offset, rule }) => {
            assert_eq!(offset, L2 as u64);
            assert!(rule.contains(words), "{rule}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_subcluster_is_not_both_allocated_and_zero() {
    corrupt(
        &*image(DATA as u64, 1 << 37 | 1 << 5),
        "both allocated and zero",
    );
}

#[test]
fn subclusters_are_allocated_in_allocated_clusters_only() {
    corrupt(&*image(0, 1), "in a cluster that is not");
}
