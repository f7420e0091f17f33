//! A new VHDX file that takes room only for what it holds.

use super::bat::Entry;
use super::bat_writer::{BatWriter, Filler};
use super::field::{MIB, to_usize};
use super::geometry::Geometry;
use super::new_file::{self, BAT_START};
use super::sector_bitmap;
use super::spec::VhdxParent;
use crate::Stamp;
use crate::layout::{Finish, Layout, LayoutError, Patch, Placed};

/// How many blocks one call places at most: what is held until the patches are taken is bounded.
const MAX_PLACED: u64 = 8192;

/// A new file with places for those blocks that hold something: dynamic, or differencing, where
/// what nobody places or zeroes is the parent's, sector by sector.
pub(super) struct Sparse {
    geometry: Geometry,
    parent: Option<VhdxParent>,
    stamp: Stamp,
    bat: BatWriter,
    /// Where the next block goes.
    next: u64,
    /// The block that got a place last, which more may be placed in.
    open: Option<OpenBlock>,
    /// Entries of payload blocks below this one are known.
    cursor: u64,
    /// What the sector bitmap block of the current chunk will hold.
    bitmap: Option<ChunkBits>,
    patches: Vec<Patch>,
}

struct OpenBlock {
    block: u64,
    start: u64,
    /// Which of its sectors are in this file; empty without a parent.
    bits: Vec<u8>,
}

/// The bits of a chunk's partial blocks, and where in the sector bitmap block they go: it gets its
/// place behind the chunk's blocks, so that these have no gap. They take up to 1 MiB.
struct ChunkBits {
    chunk: u64,
    parts: Vec<(u64, Vec<u8>)>,
}

impl Sparse {
    /// An empty file; differencing if it has a parent.
    pub(super) fn new(geometry: Geometry, parent: Option<VhdxParent>, stamp: Stamp) -> Self {
        let filler = match &parent {
            None => Filler::Zero,
            Some(_) => Filler::NotPresent,
        };
        Self {
            geometry,
            parent,
            stamp,
            bat: BatWriter::new(BAT_START, geometry, filler),
            next: new_file::data_start(&geometry),
            open: None,
            cursor: 0,
            bitmap: None,
            patches: Vec::new(),
        }
    }

    /// Where `block` is; it gets a place if it has none.
    fn room(&mut self, block: u64) -> u64 {
        if let Some(open) = self.open.as_ref().filter(|open| open.block == block) {
            return open.start;
        }
        // First, so that it follows the block before: what that one's end needs comes behind.
        let start = self.next;
        self.next = start.saturating_add(self.geometry.block_len());
        self.close();
        self.advance(block);
        let bits = match &self.parent {
            Some(_) => vec![0; to_usize(self.geometry.bits_len())],
            None => Vec::new(),
        };
        self.open = Some(OpenBlock { block, start, bits });
        start
    }

    /// Nothing more is placed in the open block: its entry can be written.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let entry = match &self.parent {
            None => Entry::fully_present(open.start),
            Some(_) => {
                let sectors = self.geometry.visible(open.block);
                let sectors = sectors.div_ceil(self.geometry.sector_len());
                if sector_bitmap::run(&open.bits, 0, sectors) == (true, sectors) {
                    Entry::fully_present(open.start)
                } else {
                    self.keep_bits(&open);
                    Entry::partially_present(open.start)
                }
            }
        };
        self.bat.set(self.geometry.payload_index(open.block), entry);
    }

    /// Keeps the open block's part of the sector bitmap.
    fn keep_bits(&mut self, open: &OpenBlock) {
        let chunk = self.geometry.chunk_of(open.block);
        let skip = self.geometry.in_chunk(open.block);
        let skip = skip.saturating_mul(self.geometry.bits_len());
        let bits = self.bitmap.get_or_insert_with(|| ChunkBits {
            chunk,
            parts: Vec::new(),
        });
        bits.parts.push((skip, open.bits.clone()));
    }

    /// Entries below that of `block` are known; so is the bitmap of another chunk.
    fn advance(&mut self, block: u64) {
        let chunk = self.geometry.chunk_of(block);
        if self.bitmap.as_ref().is_some_and(|bits| bits.chunk != chunk) {
            self.write_bits();
        }
        self.cursor = self.geometry.payload_index(block);
    }

    /// Gives the kept part of the sector bitmap its place.
    fn write_bits(&mut self) {
        let Some(bits) = self.bitmap.take() else {
            return;
        };
        let start = self.next;
        self.next = start.saturating_add(MIB);
        let index = self.geometry.bitmap_index(bits.chunk);
        self.bat.set(index, Entry::fully_present(start));
        let patches = bits.parts.into_iter().map(|(skip, bytes)| Patch {
            offset: start.saturating_add(skip),
            bytes,
        });
        self.patches.extend(patches);
    }

    /// Notes that these bytes of the open block are in this file.
    fn mark(&mut self, from: u64, to: u64) {
        let sector = self.geometry.sector_len();
        let first = from.checked_div(sector).unwrap_or_default();
        if let Some(open) = self.open.as_mut().filter(|open| !open.bits.is_empty()) {
            sector_bitmap::set(&mut open.bits, first, to.div_ceil(sector));
        }
    }

    /// The block at `offset`, where in it that is, and where what goes up to `end` leaves it.
    fn within(&self, offset: u64, end: u64) -> (u64, u64, u64) {
        let block = offset.checked_div(self.geometry.block_len());
        let block = block.unwrap_or_default();
        let start = self.geometry.block_start(block);
        let to = end.saturating_sub(start).min(self.geometry.visible(block));
        (block, offset.saturating_sub(start), to)
    }
}

impl Layout for Sparse {
    fn virtual_size(&self) -> u64 {
        self.geometry.virtual_size
    }

    fn granule(&self) -> u64 {
        self.geometry.block_len()
    }

    /// In a differencing image, the sectors that are touched are this file's: they have to be
    /// written whole.
    fn place(&mut self, offset: u64, len: u64) -> Result<Placed, LayoutError> {
        let end = offset.saturating_add(len);
        let mut placed: Option<Placed> = None;
        let mut next = offset;
        for _ in 0..MAX_PLACED {
            if next >= end {
                break;
            }
            let (block, from, to) = self.within(next, end);
            let goes_on = placed.map(|run| run.offset.saturating_add(run.len));
            let is_new = self.open.as_ref().is_none_or(|open| open.block != block);
            if is_new && goes_on.is_some() && goes_on != Some(self.next) {
                break;
            }
            let start = self.room(block).saturating_add(from);
            self.mark(from, to);
            let part = to.saturating_sub(from);
            placed = Some(match placed {
                None => Placed {
                    offset: start,
                    len: part,
                },
                Some(run) => Placed {
                    len: run.len.saturating_add(part),
                    ..run
                },
            });
            next = next.saturating_add(part);
        }
        let nothing = Placed {
            offset: self.next,
            len: 0,
        };
        Ok(placed.unwrap_or(nothing))
    }

    fn zero(&mut self, offset: u64, len: u64) -> Result<(), LayoutError> {
        if self.parent.is_none() {
            return Ok(());
        }
        let end = offset.saturating_add(len);
        let mut next = offset;
        while next < end {
            let (block, from, to) = self.within(next, end);
            if from == 0 && to == self.geometry.visible(block) {
                let index = self.geometry.payload_index(block);
                self.close();
                self.advance(block);
                self.bat.set(index, Entry::ZERO);
            } else {
                self.room(block);
                self.mark(from, to);
            }
            next = next.saturating_add(to.saturating_sub(from));
        }
        Ok(())
    }

    fn take_patches(&mut self) -> Vec<Patch> {
        let mut patches = std::mem::take(&mut self.patches);
        patches.extend(self.bat.take_below(self.cursor));
        patches
    }

    fn finish(mut self: Box<Self>) -> Result<Finish, LayoutError> {
        self.close();
        self.write_bits();
        let mut patches = std::mem::take(&mut self.patches);
        patches.extend(self.bat.take_all());
        let parent = self.parent.as_ref();
        patches.extend(new_file::patches(&self.geometry, parent, &self.stamp));
        Ok(Finish {
            patches,
            file_len: self.next,
        })
    }
}
