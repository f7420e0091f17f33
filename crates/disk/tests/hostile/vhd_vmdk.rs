//! VHD and VMDK images with their fields spoilt.

use detente_disk::exercise;
use detente_samples::{Numbers, Seeds, spoil};

use crate::vmdk_support::{cowd, descriptor, se_sparse, sparse, sparse_on, stream};
use crate::{PARTS, vhd_support};

/// Values that limits are made of.
const EDGES: [u64; 10] = [
    0,
    1,
    2,
    0x200,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 54,
    i64::MAX as u64,
    u64::MAX,
];

/// Where VHDs have their fields, beside those that are found by chance.
const VHD_FIELDS: [usize; 13] = [16, 28, 48, 56, 60, 68, 528, 540, 544, 552, 576, 1088, 1536];

/// Spoils one to six fields of 1, 2, 4 or 8 bytes, of either byte order, half of them near the start.
fn mutate(image: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(6) {
        let at = match numbers.below(3) {
            0 => numbers.one_of(&VHD_FIELDS),
            1 => numbers.below(image.len().min(80)),
            _ => numbers.below(image.len() / 4) * 4,
        };
        let value = match numbers.below(4) {
            0 => numbers.one_of(&EDGES),
            1 => numbers.next(),
            // An offset inside the file, in bytes or sectors.
            2 => (numbers.below(image.len()) as u64) & !0x1ff,
            _ => numbers.below(image.len() / 512) as u64,
        };
        let width = 1 << numbers.below(4);
        let (big, little) = (value.to_be_bytes(), value.to_le_bytes());
        let field = if numbers.below(2) == 0 {
            &big[8 - width..]
        } else {
            &little[..width]
        };
        spoil(image, at, field);
    }
    numbers.cut_sometimes(image);
}

fn try_seed(images: &[Vec<u8>], seed: u64) {
    let mut numbers = Numbers::new(seed);
    let mut image = images[numbers.below(images.len())].clone();
    mutate(&mut image, &mut numbers);
    // A wrong checksum would hide what is behind it.
    if image.starts_with(b"conectix") && image.len() >= 2048 && numbers.below(8) != 0 {
        if numbers.below(2) == 0 {
            let end = image.len() - 512;
            image.copy_within(..512, end);
        }
        vhd_support::sign_all(&mut image);
    }
    exercise(&image);
}

#[test]
fn mutations_of_vhd_and_vmdk_are_survived() {
    let mut located = vhd_support::differencing();
    vhd_support::with_locator(&mut located, 0, b"W2ru", r".\parent.vhd");
    let footer = vhd_support::footer(2, 8192, b"vpc ");
    let flat = descriptor(
        "custom",
        "RW 1 FLAT \"flat\" 0\nRW 3 ZERO\nRW 1 VMFS \"flat\"",
    );
    let images = [
        vhd_support::dynamic(),
        vhd_support::differencing(),
        located,
        vhd_support::one_block(3, [0x0f; 8], 1),
        vhd_support::fixed(&[7; 8192], &footer),
        vhd_support::fixed(&[7; 8192], &footer[..511]),
        sparse(),
        sparse_on("parent.vmdk", 0x1234_5678),
        stream(),
        cowd(),
        se_sparse(),
        flat.into_bytes(),
    ];
    for image in &images {
        exercise(image);
        exercise(&image[..image.len() / 2]);
    }
    for seed in Seeds::of_environment("VHD and VMDK images", PARTS) {
        try_seed(&images, seed);
    }
}
