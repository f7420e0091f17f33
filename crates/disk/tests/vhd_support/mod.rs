//! Small VHD images made by hand, after Microsoft's specification.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test program uses a part of it")]

use detente_disk::{Image, OpenError};

use crate::support::files;
pub(crate) use crate::support::files::Files;

/// Where things are in [`dynamic`], by the specification's names.
pub(crate) mod at {
    pub(crate) const HEADER: usize = 512;
    pub(crate) const TABLE_OFFSET: usize = HEADER + 16;
    pub(crate) const HEADER_VERSION: usize = HEADER + 24;
    pub(crate) const MAX_TABLE_ENTRIES: usize = HEADER + 28;
    pub(crate) const BLOCK_SIZE: usize = HEADER + 32;
    pub(crate) const HEADER_CHECKSUM: usize = HEADER + 36;
    pub(crate) const PARENT_UNIQUE_ID: usize = HEADER + 40;
    pub(crate) const PARENT_NAME: usize = HEADER + 64;
    pub(crate) const LOCATORS: usize = HEADER + 576;
    pub(crate) const BAT: usize = 1536;
    pub(crate) const BLOCK_0: usize = 2048;
    pub(crate) const BLOCK_2: usize = BLOCK_0 + 512 + BLOCK;
    pub(crate) const FOOTER: usize = BLOCK_2 + 512 + BLOCK;
    pub(crate) const BLOCK: usize = 4096;
}

/// The virtual size of [`dynamic`]: three blocks and a half.
pub(crate) const SIZE: usize = 14_336;

/// The unique id of [`dynamic`] and [`fixed`].
pub(crate) const UNIQUE_ID: [u8; 16] = *b"the parent's id.";

/// A footer for a disk of this type, with the checksum.
pub(crate) fn footer(disk_type: u32, size: usize, creator: &[u8; 4]) -> Vec<u8> {
    let mut footer = vec![0; 512];
    put(&mut footer, 0, b"conectix");
    put(&mut footer, 8, &2_u32.to_be_bytes()); // features
    put(&mut footer, 12, &0x0001_0000_u32.to_be_bytes()); // version
    let data_offset = if disk_type == 2 { u64::MAX } else { 512 };
    put(&mut footer, 16, &data_offset.to_be_bytes());
    put(&mut footer, 24, &0x2000_0000_u32.to_be_bytes()); // timestamp
    put(&mut footer, 28, creator);
    put(&mut footer, 32, &0x0006_0001_u32.to_be_bytes()); // creator version
    put(&mut footer, 36, b"Wi2k");
    put(&mut footer, 40, &(size as u64).to_be_bytes()); // original size
    put(&mut footer, 48, &(size as u64).to_be_bytes()); // current size
    put(&mut footer, 56, &[0, 5, 1, 5]); // 25 sectors: less than the size
    put(&mut footer, 60, &disk_type.to_be_bytes());
    put(&mut footer, 68, &UNIQUE_ID);
    sign(&mut footer, 64);
    footer
}

/// Sums a structure up again.
pub(crate) fn sign(structure: &mut [u8], field: usize) {
    structure[field..field + 4].fill(0);
    let sum: u32 = structure.iter().map(|byte| u32::from(*byte)).sum();
    put(structure, field, &(!sum).to_be_bytes());
}

/// Sums the footers and the header of [`dynamic`] up again.
pub(crate) fn sign_all(image: &mut [u8]) {
    let end = image.len() - 512;
    sign(&mut image[..512], 64);
    sign(&mut image[at::HEADER..][..1024], 36);
    sign(&mut image[end..], 64);
}

/// A dynamic disk of four blocks of 4 KiB, Hyper-V's: block 0 holds 0x11, block 2 holds 0x22 in its
/// first two sectors, the others are not there.
pub(crate) fn dynamic() -> Vec<u8> {
    let mut image = vec![0; at::FOOTER];
    let footer = footer(3, SIZE, b"win ");
    put(&mut image, 0, &footer);
    put(&mut image, at::HEADER, b"cxsparse");
    put(&mut image, at::HEADER + 8, &[0xff; 8]); // data offset
    put(
        &mut image,
        at::TABLE_OFFSET,
        &(at::BAT as u64).to_be_bytes(),
    );
    put(
        &mut image,
        at::HEADER_VERSION,
        &0x0001_0000_u32.to_be_bytes(),
    );
    put(&mut image, at::MAX_TABLE_ENTRIES, &4_u32.to_be_bytes());
    put(&mut image, at::BLOCK_SIZE, &4096_u32.to_be_bytes());
    image[at::BAT..][..512].fill(0xff);
    put(&mut image, at::BAT, &sector(at::BLOCK_0));
    put(&mut image, at::BAT + 8, &sector(at::BLOCK_2));
    image[at::BLOCK_0] = 0xff;
    image[at::BLOCK_0 + 512..][..at::BLOCK].fill(0x11);
    image[at::BLOCK_2] = 0b1100_0000;
    image[at::BLOCK_2 + 512..][..1024].fill(0x22);
    image.extend(footer);
    sign_all(&mut image);
    image
}

/// An entry of the table.
fn sector(offset: usize) -> [u8; 4] {
    u32::try_from(offset / 512).unwrap().to_be_bytes()
}

/// What the guest sees of [`dynamic`].
pub(crate) fn dynamic_content() -> Vec<u8> {
    let mut content = vec![0; SIZE];
    content[..4096].fill(0x11);
    content[8192..8192 + 1024].fill(0x22);
    content
}

/// A differencing disk that rests on [`dynamic`]. Its block 0 holds 0x33 in the sectors 0, 2 and 7;
/// its block 2 holds 0x44 in the sectors 1 to 6, of which the parent has the first. What stands in
/// the sectors that are not its own is 0xee.
pub(crate) fn differencing() -> Vec<u8> {
    let mut image = dynamic();
    let end = image.len() - 512;
    for footer in [0, end] {
        put(&mut image, footer + 60, &4_u32.to_be_bytes());
        put(&mut image, footer + 68, b"the child's id..");
    }
    put(&mut image, at::PARENT_UNIQUE_ID, &UNIQUE_ID);
    let name: Vec<u8> = "parent.vhd"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    put(&mut image, at::PARENT_NAME, &name);
    image[at::BLOCK_0] = 0b1010_0001;
    image[at::BLOCK_0 + 512..][..at::BLOCK].fill(0xee);
    image[at::BLOCK_2] = 0b0111_1110;
    image[at::BLOCK_2 + 512..][..at::BLOCK].fill(0xee);
    for sector in [0, 2, 7] {
        image[at::BLOCK_0 + 512 + sector * 512..][..512].fill(0x33);
    }
    image[at::BLOCK_2 + 1024..][..6 * 512].fill(0x44);
    sign_all(&mut image);
    image
}

/// What the guest sees of [`differencing`].
pub(crate) fn differencing_content() -> Vec<u8> {
    let mut content = dynamic_content();
    for sector in [0, 2, 7] {
        content[sector * 512..][..512].fill(0x33);
    }
    content[8192 + 512..][..6 * 512].fill(0x44);
    content
}

/// The block of [`one_block`], and its whole disk.
pub(crate) const ONE_BLOCK: usize = 32_768;

/// A disk of one block of 32 KiB, which is filled with `fill`: dynamic (3), or differencing (4) and
/// resting on the dynamic one.
pub(crate) fn one_block(disk_type: u32, bitmap: [u8; 8], fill: u8) -> Vec<u8> {
    let mut image = if disk_type == 4 {
        differencing()
    } else {
        dynamic()
    };
    image.truncate(at::BLOCK_0);
    put(&mut image, at::MAX_TABLE_ENTRIES, &1_u32.to_be_bytes());
    put(&mut image, at::BLOCK_SIZE, &32_768_u32.to_be_bytes());
    put(&mut image, at::BAT + 8, &[0xff; 4]);
    for size in [40, 48] {
        put(&mut image, size, &(ONE_BLOCK as u64).to_be_bytes());
    }
    image.extend(bitmap);
    image.resize(at::BLOCK_0 + 512, 0);
    image.resize(at::BLOCK_0 + 512 + ONE_BLOCK, fill);
    image.extend_from_within(..512);
    sign_all(&mut image);
    image
}

/// Gives [`differencing`] a parent locator; its name goes before the footer at the end.
pub(crate) fn with_locator(image: &mut Vec<u8>, index: usize, code: &[u8; 4], name: &str) {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut room = vec![0; 512];
    put(&mut room, 0, &name);
    let offset = image.len() - 512;
    image.splice(offset..offset, room);
    let entry = at::LOCATORS + index * 24;
    put(image, entry, code);
    put(image, entry + 4, &512_u32.to_be_bytes());
    put(
        image,
        entry + 8,
        &u32::try_from(name.len()).unwrap().to_be_bytes(),
    );
    put(image, entry + 16, &(offset as u64).to_be_bytes());
    sign_all(image);
}

/// A fixed disk with this content and this footer.
pub(crate) fn fixed(content: &[u8], footer: &[u8]) -> Vec<u8> {
    [content, footer].concat()
}

/// Overwrites a field.
pub(crate) fn put(image: &mut [u8], at: usize, field: &[u8]) {
    image[at..][..field.len()].copy_from_slice(field);
}

/// Opens an image in memory.
pub(crate) fn open(image: Vec<u8>, files: Files) -> Result<Image, OpenError> {
    files::open("image.vhd", image, &files)
}

/// What opening and reading an image says is wrong.
pub(crate) fn refusal(image: Vec<u8>) -> String {
    files::refusal(open(image, Files(vec![("parent.vhd", dynamic())])))
}
