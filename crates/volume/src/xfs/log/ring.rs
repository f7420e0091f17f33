//! The log as a ring of sectors of 512 bytes.

use detente_block::ReadError;

use super::record::MAGIC;
use super::source::Layout;
use crate::FsError;
use crate::fields::be32;
use crate::pages::Pages;
use crate::xfs::superblock::Superblock;

/// Whatever the disk's sectors are, the log counts these.
pub(super) const SECTOR: u64 = 512;

/// Where the log is.
pub(super) struct Ring<'p> {
    pub(super) pages: &'p Pages,
    pub(super) sectors: u64,
    pub(super) uuid: [u8; 16],
    pub(super) has_checksums: bool,
    start: u64,
}

impl<'p> Ring<'p> {
    pub(super) fn new(pages: &'p Pages, superblock: &Superblock) -> Result<Self, FsError> {
        let blocks = u64::from(superblock.log_blocks);
        let start = superblock.offset_of(superblock.log_start, blocks.max(1))?;
        let bytes = blocks.saturating_mul(superblock.block_bytes);
        Ok(Self {
            pages,
            sectors: bytes.checked_div(SECTOR).unwrap_or(0),
            uuid: superblock.uuid,
            has_checksums: superblock.has_checksums,
            start,
        })
    }

    /// Where it is, to read from it later.
    pub(super) fn layout(&self) -> Layout {
        Layout {
            start: self.start,
            sectors: self.sectors,
        }
    }

    /// The sector `count` after `at`.
    pub(super) fn after(&self, at: u64, count: u64) -> u64 {
        let sum = at.saturating_add(count);
        sum.checked_rem(self.sectors).unwrap_or(0)
    }

    /// The sector `count` before `at`.
    pub(super) fn before(&self, at: u64, count: u64) -> u64 {
        self.after(at, self.sectors.saturating_sub(count))
    }

    /// `count` sectors from `at` on, over the end of the ring if need be. The caller bounds `count`.
    pub(super) fn read(&self, at: u64, count: u64) -> Result<Vec<u8>, ReadError> {
        let len = |sectors: u64| usize::try_from(sectors.saturating_mul(SECTOR)).unwrap_or(0);
        let mut bytes = vec![0; len(count)];
        let first = self.sectors.saturating_sub(at).min(count);
        let (now, later) = bytes.split_at_mut(len(first).min(len(count)));
        let offset = self.start.saturating_add(at.saturating_mul(SECTOR));
        self.pages.read(offset, now)?;
        if !later.is_empty() {
            self.pages.read(self.start, later)?;
        }
        Ok(bytes)
    }

    /// How often the ring had been gone round when sector `at` was written.
    pub(super) fn cycle(&self, at: u64) -> Result<u32, ReadError> {
        let bytes = self.read(at, 1)?;
        Ok(cycle_of(&bytes).unwrap_or(0))
    }
}

/// Each sector starts with its cycle; a record's header has its magic number first.
pub(super) fn cycle_of(sector: &[u8]) -> Option<u32> {
    match be32(sector, 0)? {
        MAGIC => be32(sector, 4),
        cycle => Some(cycle),
    }
}
