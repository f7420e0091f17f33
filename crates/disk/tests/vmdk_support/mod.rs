//! Small VMDK images made by hand, after VMware's specification.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test program uses a part of it")]

use detente_disk::{Image, OpenError};
use std::io::Write;

use crate::support::files;
pub(crate) use crate::support::files::Files;

pub(crate) const SECTOR: usize = 512;
/// A grain of [`sparse`], [`stream`], [`cowd`] and [`se_sparse`].
pub(crate) const GRAIN: usize = 4096;
/// The virtual size of all: 20 grains and a half.
pub(crate) const SIZE: usize = 164 * SECTOR;

/// Where things are in [`sparse`], by the specification's names.
pub(crate) mod at {
    pub(crate) const VERSION: usize = 4;
    pub(crate) const FLAGS: usize = 8;
    pub(crate) const CAPACITY: usize = 12;
    pub(crate) const GRAIN_SIZE: usize = 20;
    pub(crate) const NUM_GTES_PER_GT: usize = 44;
    pub(crate) const RGD_OFFSET: usize = 48;
    pub(crate) const GD_OFFSET: usize = 56;
    pub(crate) const UNCLEAN_SHUTDOWN: usize = 72;
    pub(crate) const LINE_CHARACTERS: usize = 73;
    pub(crate) const COMPRESS_ALGORITHM: usize = 77;
    pub(crate) const DESCRIPTOR: usize = 512;
    pub(crate) const RGD: usize = 3 * 512;
    pub(crate) const RGT: usize = 4 * 512;
    pub(crate) const GD: usize = 8 * 512;
    pub(crate) const GT: usize = 9 * 512;
    pub(crate) const GRAINS: usize = 16 * 512;
}

/// A descriptor with one extent.
pub(crate) fn descriptor(create_type: &str, extent: &str) -> String {
    format!(
        "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\n\
         createType=\"{create_type}\"\n\n# Extent description\n{extent}\n"
    )
}

/// The header of a hosted sparse extent with grains of 4 KiB.
fn header(flags: u32, gd_sector: u64) -> Vec<u8> {
    let mut header = vec![0; SECTOR];
    put(&mut header, 0, b"KDMV");
    put(&mut header, at::VERSION, &1_u32.to_le_bytes());
    put(&mut header, at::FLAGS, &flags.to_le_bytes());
    put(&mut header, at::CAPACITY, &164_u64.to_le_bytes());
    put(&mut header, at::GRAIN_SIZE, &8_u64.to_le_bytes());
    put(&mut header, 28, &1_u64.to_le_bytes()); // descriptorOffset
    put(&mut header, 36, &2_u64.to_le_bytes()); // descriptorSize
    put(&mut header, at::NUM_GTES_PER_GT, &512_u32.to_le_bytes());
    put(&mut header, at::GD_OFFSET, &gd_sector.to_le_bytes());
    put(&mut header, 64, &16_u64.to_le_bytes()); // overHead
    put(&mut header, at::LINE_CHARACTERS, b"\n \r\n");
    header
}

/// A monolithic sparse disk: grain 0 holds 0x11, grain 2 is zero whatever a parent holds, grains 3
/// and 4 hold 0x22, the last half grain holds 0x33, the others are not there.
pub(crate) fn sparse() -> Vec<u8> {
    let mut image = vec![0; at::GRAINS];
    // Line ends can be tested, there is a redundant directory, entries may say zero.
    put(&mut image, 0, &header(7, 8));
    put(&mut image, at::RGD_OFFSET, &3_u64.to_le_bytes());
    let text = descriptor("monolithicSparse", "RW 164 SPARSE \"sparse.vmdk\"");
    put(&mut image, at::DESCRIPTOR, text.as_bytes());
    put(&mut image, at::RGD, &4_u32.to_le_bytes());
    put(&mut image, at::GD, &9_u32.to_le_bytes());
    for table in [at::RGT, at::GT] {
        for (grain, sector) in [(0, 16_u32), (2, 1), (3, 24), (4, 32), (20, 40)] {
            put(&mut image, table + grain * 4, &sector.to_le_bytes());
        }
    }
    for fill in [0x11, 0x22, 0x22, 0x33] {
        image.resize(image.len() + GRAIN, fill);
    }
    image
}

/// What the guest sees of [`sparse`].
pub(crate) fn content() -> Vec<u8> {
    let mut content = vec![0; SIZE];
    content[..GRAIN].fill(0x11);
    content[3 * GRAIN..5 * GRAIN].fill(0x22);
    content[20 * GRAIN..].fill(0x33);
    content
}

/// [`sparse`] on a parent, whose content id stands in the descriptor.
pub(crate) fn sparse_on(name: &str, content_id: u32) -> Vec<u8> {
    let mut image = sparse();
    let text = descriptor("monolithicSparse", "RW 164 SPARSE \"sparse.vmdk\"");
    let text = text.replace(
        "parentCID=ffffffff",
        &format!("parentCID={content_id:08x}\nparentFileNameHint=\"{name}\""),
    );
    put(&mut image, at::DESCRIPTOR, text.as_bytes());
    image
}

/// A marker and the grain behind it, up to a sector.
pub(crate) fn packed(grain: u64, bytes: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::default();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
    zlib.write_all(bytes).unwrap();
    let zlib = zlib.finish().unwrap();
    let mut packed = (grain * 8).to_le_bytes().to_vec();
    packed.extend(u32::try_from(zlib.len()).unwrap().to_le_bytes());
    packed.extend(zlib);
    packed.resize(packed.len().next_multiple_of(SECTOR), 0);
    packed
}

/// A marker of metadata: how many sectors follow, and what they are.
fn marker(sectors: u64, kind: u32) -> Vec<u8> {
    let mut marker = vec![0; SECTOR];
    put(&mut marker, 0, &sectors.to_le_bytes());
    put(&mut marker, 12, &kind.to_le_bytes());
    marker
}

/// A stream-optimized disk with the content of [`sparse`], whose directory is told of at the end.
/// The grains start in sector 16.
pub(crate) fn stream() -> Vec<u8> {
    stream_of(&[
        (0, packed(0, &[0x11; GRAIN])),
        (3, packed(3, &[0x22; GRAIN])),
        (4, packed(4, &[0x22; GRAIN])),
        (20, packed(20, &[0x33; GRAIN])),
    ])
}

/// A stream of these packed grains.
pub(crate) fn stream_of(grains: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let flags = 1 | 0x3_0000;
    let compressed = |mut header: Vec<u8>| {
        put(&mut header, at::VERSION, &3_u32.to_le_bytes());
        put(&mut header, at::COMPRESS_ALGORITHM, &1_u16.to_le_bytes());
        header
    };
    let mut image = compressed(header(flags, u64::MAX));
    image.resize(at::GRAINS, 0);
    let text = descriptor("streamOptimized", "RW 164 SPARSE \"stream.vmdk\"");
    put(&mut image, at::DESCRIPTOR, text.as_bytes());
    let mut table = vec![0; 2048];
    for (grain, packed) in grains {
        put(&mut table, grain * 4, &sector(image.len()));
        image.extend(packed);
    }
    image.extend(marker(4, 1));
    let table_at = image.len();
    image.extend(table);
    image.extend(marker(1, 2));
    let directory_at = image.len();
    image.extend(sector(table_at));
    image.resize(directory_at + SECTOR, 0);
    image.extend(marker(1, 3));
    image.extend(compressed(header(flags, directory_at as u64 / 512)));
    image.extend(marker(0, 0));
    image
}

fn sector(offset: usize) -> [u8; 4] {
    u32::try_from(offset / SECTOR).unwrap().to_le_bytes()
}

/// An extent of ESX's sparse kind with the content of [`sparse`].
pub(crate) fn cowd() -> Vec<u8> {
    let mut image = vec![0; 40 * SECTOR];
    put(&mut image, 0, b"COWD");
    for (at, value) in [
        (4, 1_u32),
        (8, 3),
        (12, 164),
        (16, 8),
        (20, 4),
        (24, 1),
        (28, 72),
    ] {
        put(&mut image, at, &value.to_le_bytes());
    }
    put(&mut image, 4 * SECTOR, &8_u32.to_le_bytes());
    for (grain, sector) in [(0, 40_u32), (3, 48), (4, 56), (20, 64)] {
        put(&mut image, 8 * SECTOR + grain * 4, &sector.to_le_bytes());
    }
    for fill in [0x11, 0x22, 0x22, 0x33] {
        image.resize(image.len() + GRAIN, fill);
    }
    image
}

/// A space-efficient extent with the content of [`sparse`]: grain 1 is unmapped, grain 2 zero.
pub(crate) fn se_sparse() -> Vec<u8> {
    let mut image = vec![0; 80 * SECTOR];
    for (at, value) in [
        (0, 0xcafe_babe_u64),
        (8, 0x2_0000_0001),
        (16, 164),
        (24, 8),
        (32, 64),
        (80, 1), // volatile header
        (88, 1),
        (128, 2), // grain directory
        (136, 1),
        (144, 8), // grain tables
        (152, 64),
        (192, 80), // grains
        (200, 32),
        (SECTOR, 0xcafe_cafe),
        (2 * SECTOR, 0x1000_0000_0000_0000),
        (8 * SECTOR, 0x3000_0000_0000_0000),
        (8 * SECTOR + 8, 0x1000_0000_0000_0000),
        (8 * SECTOR + 16, 0x2000_0000_0000_0000),
        // The lower twelve bits of a grain's number stand in the upper half.
        (8 * SECTOR + 3 * 8, 0x3001_0000_0000_0000),
        (8 * SECTOR + 4 * 8, 0x3002_0000_0000_0000),
        (8 * SECTOR + 20 * 8, 0x3003_0000_0000_0000),
    ] {
        put(&mut image, at, &value.to_le_bytes());
    }
    for fill in [0x11, 0x22, 0x22, 0x33] {
        image.resize(image.len() + GRAIN, fill);
    }
    image
}

/// Overwrites a field.
pub(crate) fn put(image: &mut [u8], at: usize, field: &[u8]) {
    image[at..][..field.len()].copy_from_slice(field);
}

/// Opens an image in memory.
pub(crate) fn open(image: Vec<u8>, files: Files) -> Result<Image, OpenError> {
    files::open("image.vmdk", image, &files)
}

/// What opening and reading an image says is wrong.
pub(crate) fn refusal(image: Vec<u8>, files: Files) -> String {
    files::refusal(open(image, files))
}
