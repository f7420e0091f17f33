//! The header and its extensions.

use std::path::Path;
use std::sync::Arc;

use detente_block::{ClosedGate, MemoryBackend};
use detente_disk::{Details, Qcow2Details, Qcow2Encryption, open_layer};

use crate::Expect::{Corrupt, Unsupported};
use crate::support::{check_content, put, sound, sound_content, sound_on};
use crate::{Behind, check, disk, refused};

#[test]
fn the_header_states_a_known_version() {
    check(4, &1_u32.to_be_bytes(), Unsupported(4, "version 1"));
    check(4, &4_u32.to_be_bytes(), Unsupported(4, "version 4"));
}

#[test]
fn cluster_bits_lie_between_9_and_21() {
    check(20, &8_u32.to_be_bytes(), Corrupt(20, "cluster_bits is 8"));
    check(20, &22_u32.to_be_bytes(), Corrupt(20, "cluster_bits is 22"));
    check(20, &u32::MAX.to_be_bytes(), Corrupt(20, "cluster_bits"));
}

/// It is not read, but there is something to say of it.
#[test]
fn encryption_is_not_supported() {
    check(32, &1_u32.to_be_bytes(), Unsupported(32, "AES"));
    check(32, &2_u32.to_be_bytes(), Unsupported(32, "LUKS"));
    check(32, &3_u32.to_be_bytes(), Unsupported(32, "method 3"));
    let mut image = sound();
    put(&mut image, 32, &2_u32.to_be_bytes());
    assert_eq!(details(image).encryption, Some(Qcow2Encryption::Luks));
}

#[test]
fn incompatible_features_are_heeded() {
    check(
        72,
        &4_u64.to_be_bytes(),
        Unsupported(72, "external data file that it does not name"),
    );
    check(72, &(1_u64 << 17).to_be_bytes(), Unsupported(72, "bit 17"));
    check(72, &(1_u64 << 63).to_be_bytes(), Unsupported(72, "bit 63"));
    // Subclusters of less than 512 bytes.
    check(72, &16_u64.to_be_bytes(), Corrupt(20, "between 14 and 21"));
}

/// What can be said of the image alone.
pub(crate) fn details(image: Vec<u8>) -> Qcow2Details {
    let file = Arc::new(MemoryBackend::new(image));
    let layer = open_layer(Path::new("top"), file, &Behind(vec![0; 512])).unwrap();
    match layer.details {
        Details::Qcow2(details) => details,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_image_that_is_marked_as_corrupt_can_be_read() {
    let mut image = sound();
    put(&mut image, 72, &2_u64.to_be_bytes());
    assert!(details(image.clone()).marks.corrupt);
    let disk = disk(image, &ClosedGate).unwrap();
    check_content(&*disk, &sound_content(), "corrupt");
}

/// The sound image with the extension `kind`, which holds `data`.
pub(crate) fn extended(kind: u32, data: &[u8]) -> Vec<u8> {
    let mut image = sound();
    put(&mut image, 104, &kind.to_be_bytes());
    let len = u32::try_from(data.len()).unwrap();
    put(&mut image, 108, &len.to_be_bytes());
    put(&mut image, 112, data);
    image
}

#[test]
fn header_extensions_lie_in_the_first_cluster() {
    let mut image = extended(0x1234, b"");
    put(&mut image, 108, &401_u32.to_be_bytes());
    refused(image.clone(), &Corrupt(104, "past the area"));
    put(&mut image, 108, &400_u32.to_be_bytes());
    disk(image, &ClosedGate).unwrap();
    refused(
        extended(0x2385_2875, &[0; 23]),
        &Corrupt(112, "has 23 bytes, not 24"),
    );
}

/// It is not read, but described.
#[test]
fn a_backing_file_of_unknown_format_is_not_probed() {
    let image = sound_on(b"base", Some(b"luks"));
    let backing = details(image.clone()).backing.unwrap();
    assert_eq!(
        (backing.name.as_str(), backing.format.as_deref()),
        ("base", Some("luks"))
    );
    refused(image, &Unsupported(8, "\"luks\""));
}

#[test]
fn a_dirty_image_can_be_read() {
    let mut image = sound();
    put(&mut image, 72, &1_u64.to_be_bytes());
    check_content(
        &*disk(image, &ClosedGate).unwrap(),
        &sound_content(),
        "dirty",
    );
}

#[test]
fn refcounts_have_at_most_64_bits() {
    check(96, &7_u32.to_be_bytes(), Corrupt(96, "refcount_order is 7"));
}

#[test]
fn the_header_length_is_plausible() {
    check(
        100,
        &103_u32.to_be_bytes(),
        Corrupt(100, "header_length is 103"),
    );
    check(
        100,
        &513_u32.to_be_bytes(),
        Corrupt(100, "header_length is 513"),
    );
}

#[test]
fn the_compression_type_agrees_with_its_feature_bit() {
    check(72, &8_u64.to_be_bytes(), Corrupt(104, "disagree"));
    let mut image = sound();
    put(&mut image, 100, &112_u32.to_be_bytes());
    put(&mut image, 104, &[1]);
    refused(image.clone(), &Corrupt(104, "disagree"));
    put(&mut image, 104, &[2]);
    refused(image, &Unsupported(104, "compression type 2"));
}
