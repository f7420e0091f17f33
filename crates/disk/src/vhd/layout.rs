//! Laying out a new VHD image.
//!
//! The current size is exact and counts: the creator is said to be `win `, Hyper-V's, because QEMU
//! (7.2 with a list of creators that mean the current size, 10 with one of those that do not) and
//! Hyper-V then agree on it. The geometry is the specification's, and may be a little smaller.

use super::bitmap;
use super::field::{put, to_u64, to_usize};
use super::footer::{
    FEATURE_RESERVED, FOOTER_BYTES, Footer, MAX_BYTES, NO_OFFSET, VERSION, VhdDiskType,
};
use super::geometry::VhdGeometry;
use super::header::{HEADER_BYTES, Header};
use super::spec::{VhdKind, VhdSpec};
use crate::Stamp;
use crate::layout::{Finish, Layout, LayoutError, Patch, Placed};

/// 2000-01-01T00:00:00Z, from where a VHD counts seconds.
const YEAR_2000: u64 = 946_684_800;
/// The block size that the specification recommends and everybody uses.
const BLOCK_BYTES: u32 = 2 << 20;
const BLOCK: u64 = 2 << 20;
/// A bit for each sector of a block.
const BITMAP_BYTES: u64 = 512;
/// The data of a block starts here, so that file systems can share it with other files.
const ALIGNMENT: u64 = 4096;
/// Where the block allocation table starts: behind the footer's copy and the header.
const TABLE_OFFSET: u64 = FOOTER_BYTES + HEADER_BYTES;
/// How much of the table is written at a time.
const TABLE_PART: usize = 64 << 10;

/// The layout of a new image.
pub(crate) fn layout(
    spec: &VhdSpec,
    virtual_size: u64,
    stamp: &Stamp,
) -> Result<Box<dyn Layout>, LayoutError> {
    let size = virtual_size.checked_next_multiple_of(512);
    let Some(size) = size.filter(|size| *size <= MAX_BYTES) else {
        return Err(LayoutError::TooLarge {
            format: "VHD",
            virtual_size,
            limit: "2040 GiB, which Microsoft states and QEMU keeps to",
        });
    };
    Ok(match spec.kind {
        VhdKind::Fixed => Box::new(FixedLayout {
            footer: footer(size, stamp, VhdDiskType::Fixed, NO_OFFSET),
        }),
        VhdKind::Dynamic => Box::new(DynamicLayout::new(size, stamp)),
    })
}

fn footer(size: u64, stamp: &Stamp, disk_type: VhdDiskType, data_offset: u64) -> Footer {
    let seconds = stamp.unix_seconds.saturating_sub(YEAR_2000);
    let [id, ..] = stamp.ids;
    Footer {
        features: FEATURE_RESERVED,
        version: VERSION,
        data_offset,
        timestamp: u32::try_from(seconds).unwrap_or(u32::MAX),
        creator_application: *b"win ",
        creator_version: 0x000a_0000,
        creator_host_os: *b"Wi2k",
        original_size: size,
        current_size: size,
        geometry: VhdGeometry::of(size / 512),
        disk_type,
        unique_id: version_4(id),
        saved_state: false,
    }
}

/// RFC 9562, 5.4: random bytes with version and variant.
fn version_4(mut id: [u8; 16]) -> [u8; 16] {
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut id;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    id
}

/// The guest's bytes as they are, and a footer.
struct FixedLayout {
    footer: Footer,
}

impl Layout for FixedLayout {
    fn virtual_size(&self) -> u64 {
        self.footer.current_size
    }

    fn granule(&self) -> u64 {
        1
    }

    fn place(&mut self, offset: u64, len: u64) -> Result<Placed, LayoutError> {
        Ok(Placed { offset, len })
    }

    fn take_patches(&mut self) -> Vec<Patch> {
        Vec::new()
    }

    fn finish(self: Box<Self>) -> Result<Finish, LayoutError> {
        let offset = self.footer.current_size;
        Ok(Finish {
            patches: vec![Patch {
                offset,
                bytes: self.footer.to_bytes(),
            }],
            file_len: offset.saturating_add(FOOTER_BYTES),
        })
    }
}

/// Blocks of 2 MiB in the order in which they are asked for. The table is held in memory: 4 MiB for
/// the largest disk.
struct DynamicLayout {
    footer: Footer,
    /// The table as it is written: where each block's bitmap starts, in sectors.
    table: Vec<u8>,
    entries: u32,
    /// The block that was placed last, and where its data starts.
    latest: Option<(u64, u64)>,
    /// Where the last block, or the table, ends.
    end: u64,
    bitmaps: Vec<Patch>,
}

impl DynamicLayout {
    fn new(size: u64, stamp: &Stamp) -> Self {
        let entries = u32::try_from(size.div_ceil(BLOCK)).expect("the size was bounded");
        let table_bytes = u64::from(entries).saturating_mul(4).next_multiple_of(512);
        Self {
            footer: footer(size, stamp, VhdDiskType::Dynamic, FOOTER_BYTES),
            table: vec![0xff; to_usize(table_bytes)],
            entries,
            latest: None,
            end: TABLE_OFFSET.saturating_add(table_bytes),
            bitmaps: Vec::new(),
        }
    }

    /// Where the data of `block` starts; it gets room if it has none.
    fn block(&mut self, block: u64) -> u64 {
        if let Some((latest, data)) = self.latest
            && latest == block
        {
            return data;
        }
        let data = self
            .end
            .saturating_add(BITMAP_BYTES)
            .next_multiple_of(ALIGNMENT);
        let start = data.saturating_sub(BITMAP_BYTES);
        let sector = u32::try_from(start / 512).expect("blocks of 2040 GiB end below 2^32 sectors");
        put(
            &mut self.table,
            to_usize(block.saturating_mul(4)),
            &sector.to_be_bytes(),
        );
        self.bitmaps.push(Patch {
            offset: start,
            bytes: bitmap::full(BITMAP_BYTES),
        });
        self.end = data.saturating_add(BLOCK);
        self.latest = Some((block, data));
        data
    }
}

impl Layout for DynamicLayout {
    fn virtual_size(&self) -> u64 {
        self.footer.current_size
    }

    fn granule(&self) -> u64 {
        BLOCK
    }

    fn place(&mut self, offset: u64, len: u64) -> Result<Placed, LayoutError> {
        let into = offset % BLOCK;
        let data = self.block(offset / BLOCK);
        Ok(Placed {
            offset: data.saturating_add(into),
            len: len.min(BLOCK.saturating_sub(into)),
        })
    }

    fn take_patches(&mut self) -> Vec<Patch> {
        std::mem::take(&mut self.bitmaps)
    }

    fn finish(self: Box<Self>) -> Result<Finish, LayoutError> {
        let mut patches = self.bitmaps;
        let parts = (TABLE_OFFSET..).step_by(TABLE_PART);
        for (part, offset) in self.table.chunks(TABLE_PART).zip(parts) {
            patches.push(Patch {
                offset,
                bytes: part.to_vec(),
            });
        }
        let footer = self.footer.to_bytes();
        patches.push(Patch {
            offset: FOOTER_BYTES,
            bytes: Header::dynamic(TABLE_OFFSET, self.entries, BLOCK_BYTES),
        });
        patches.push(Patch {
            offset: self.end,
            bytes: footer.clone(),
        });
        // The copy at the start comes last: it makes the file an image for those who read it first.
        patches.push(Patch {
            offset: 0,
            bytes: footer.clone(),
        });
        Ok(Finish {
            patches,
            file_len: self.end.saturating_add(to_u64(footer.len())),
        })
    }
}
