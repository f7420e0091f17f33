//! Dynamic and differencing disks: blocks, each behind a bitmap of its sectors.
//!
//! In a dynamic disk a block that is in the table counts as a whole, as QEMU reads it: what its
//! bitmap leaves out was never written and holds zeroes. In a differencing disk the bitmap says which
//! sectors are here and which are the parent's; QEMU 10 ignores this and reads zeroes instead.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

use super::bat::{Bat, BlockRun};
use super::bitmap;
use super::details::VhdDetails;
use super::field::read_bytes;
use super::footer::VhdDiskType;
use crate::Details;
use crate::cache::Cache;
use crate::layer::{Identity, LayerMap, LayerPlace, LayerSpan};

/// What the bitmaps that are kept may take.
const CACHE_BYTES: u64 = 1 << 20;
/// How many bitmaps are kept at most.
const MAX_BITMAPS: usize = 64;

/// An opened dynamic or differencing disk.
pub(super) struct Sparse {
    file: Arc<dyn BlockRead>,
    bat: Bat,
    bitmaps: Cache<u64, Vec<u8>>,
    size: u64,
    details: VhdDetails,
}

impl Sparse {
    pub(super) fn new(file: Arc<dyn BlockRead>, bat: Bat, size: u64, details: VhdDetails) -> Self {
        let bitmaps = Cache::new(CACHE_BYTES, bat.header.bitmap_bytes(), MAX_BITMAPS);
        Self {
            file,
            bat,
            bitmaps,
            size,
            details,
        }
    }

    fn block_bytes(&self) -> u64 {
        u64::from(self.bat.header.block_size)
    }

    /// A stretch of a block whose bitmap starts at `start`, from `into` on.
    fn in_block(&self, start: u64, into: u64) -> Result<LayerSpan, ReadError> {
        let data = start.saturating_add(self.bat.header.bitmap_bytes());
        let here = LayerPlace::File {
            file: 0,
            offset: data.saturating_add(into),
        };
        let rest = self.block_bytes().saturating_sub(into);
        match self.details.disk_type {
            VhdDiskType::Fixed | VhdDiskType::Dynamic => Ok(LayerSpan {
                len: rest,
                place: here,
            }),
            VhdDiskType::Differencing => {
                let bitmap = self.bitmap(start)?;
                let sectors = self.block_bytes() / 512;
                let sector = into / 512;
                let (own, run) = bitmap::run(&bitmap, sector, sectors.saturating_sub(sector));
                Ok(LayerSpan {
                    len: run.saturating_mul(512).saturating_sub(into % 512),
                    place: if own { here } else { LayerPlace::Below },
                })
            }
        }
    }

    fn bitmap(&self, start: u64) -> Result<Arc<Vec<u8>>, ReadError> {
        self.bitmaps.get_or(start, || {
            read_bytes(&*self.file, start, self.bat.header.bitmap_bytes())
        })
    }
}

impl LayerMap for Sparse {
    fn virtual_size(&self) -> u64 {
        self.size
    }

    fn span(&self, offset: u64, most: u64) -> Result<LayerSpan, ReadError> {
        let block_bytes = self.block_bytes();
        let block = offset.checked_div(block_bytes).unwrap_or(0);
        let begin = block.saturating_mul(block_bytes);
        let into = offset.saturating_sub(begin);
        let len = self.size.saturating_sub(begin).min(block_bytes);
        let blocks = into.saturating_add(most).div_ceil(block_bytes);
        match self.bat.run(&*self.file, block, blocks, len)? {
            BlockRun::Absent(run) => Ok(LayerSpan {
                len: run.saturating_mul(block_bytes).saturating_sub(into),
                place: LayerPlace::Below,
            }),
            BlockRun::At(start) => self.in_block(start, into),
        }
    }

    fn read_compressed(&self, offset: u64, _part: &mut [u8]) -> Result<(), ReadError> {
        let what = "compressed blocks of a VHD".to_owned();
        Err(ReadError::Unsupported { offset, what })
    }

    fn identity(&self) -> Identity {
        Identity::VhdUnique(self.details.unique_id)
    }

    fn details(&self) -> Details {
        Details::Vhd(self.details.clone())
    }
}
