//! The block allocation table, read a window at a time.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

use super::corrupt;
use super::field::{read_bytes, to_u64, to_usize};
use super::footer::FOOTER_BYTES;
use super::header::{HEADER_BYTES, Header};
use crate::cache::Cache;

/// \[VHD\] "Block Allocation Table": the entry of a block that is not there.
pub(super) const UNUSED: u32 = u32::MAX;
/// Entries that are read at a time: 16 KiB, 8 GiB of the guest's view with blocks of 2 MiB.
const WINDOW_ENTRIES: u64 = 4096;
/// What the windows that are kept may take.
const CACHE_BYTES: u64 = 1 << 20;

/// The table of a dynamic or differencing disk.
pub(super) struct Bat {
    pub(super) header: Header,
    /// Blocks end here at the latest.
    data_end: u64,
    windows: Cache<u64, Vec<u32>>,
}

/// Blocks that lie alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockRun {
    /// So many in a row are not there.
    Absent(u64),
    /// One block, whose bitmap starts here.
    At(u64),
}

impl Bat {
    pub(super) fn new(header: Header, data_end: u64) -> Self {
        Self {
            header,
            data_end,
            windows: Cache::new(CACHE_BYTES, WINDOW_ENTRIES.saturating_mul(4), 64),
        }
    }

    /// Where `block` is, or how many from there on (at least one, `most` at most) are not there.
    /// `len` is how much of the block the disk has.
    pub(super) fn run(
        &self,
        file: &dyn BlockRead,
        block: u64,
        most: u64,
        len: u64,
    ) -> Result<BlockRun, ReadError> {
        let window = self.window(file, block / WINDOW_ENTRIES)?;
        let rest = window
            .get(to_usize(block % WINDOW_ENTRIES)..)
            .unwrap_or_default();
        match rest.first() {
            None => Err(corrupt(
                self.entry_at(block),
                "the block has no entry in the table",
            )),
            Some(&UNUSED) => {
                let absent = rest.iter().take_while(|entry| **entry == UNUSED).count();
                Ok(BlockRun::Absent(to_u64(absent).min(most.max(1))))
            }
            Some(&entry) => {
                let start = u64::from(entry).saturating_mul(512);
                self.check_place(block, start, len)?;
                Ok(BlockRun::At(start))
            }
        }
    }

    /// The entries of a window.
    pub(super) fn window(
        &self,
        file: &dyn BlockRead,
        window: u64,
    ) -> Result<Arc<Vec<u32>>, ReadError> {
        self.windows.get_or(window, || {
            let first = window.saturating_mul(WINDOW_ENTRIES);
            let entries = u64::from(self.header.max_table_entries)
                .saturating_sub(first)
                .min(WINDOW_ENTRIES);
            let bytes = read_bytes(file, self.entry_at(first), entries.saturating_mul(4))?;
            let (words, _) = bytes.as_chunks();
            Ok(words.iter().map(|word| u32::from_be_bytes(*word)).collect())
        })
    }

    /// The entries from `block` on, which is the first of a window.
    pub(super) fn window_of(
        &self,
        file: &dyn BlockRead,
        block: u64,
    ) -> Result<Arc<Vec<u32>>, ReadError> {
        self.window(file, block / WINDOW_ENTRIES)
    }

    /// Where a block's entry is in the file.
    pub(super) fn entry_at(&self, block: u64) -> u64 {
        self.header
            .table_offset
            .saturating_add(block.saturating_mul(4))
    }

    /// A block lies behind the structures that it would otherwise be made of, and inside the file.
    pub(super) fn check_place(&self, block: u64, start: u64, len: u64) -> Result<(), ReadError> {
        let bitmap_end = start.saturating_add(self.header.bitmap_bytes());
        let end = bitmap_end.saturating_add(len);
        if end > self.data_end {
            let rule = format!(
                "block {block} at {start:#x} goes past the end of the file's data at {:#x}",
                self.data_end
            );
            return Err(corrupt(self.entry_at(block), rule));
        }
        let whole = bitmap_end.saturating_add(u64::from(self.header.block_size));
        for (name, from, to) in self.structures() {
            if start < to && from < whole {
                let rule = format!("block {block} at {start:#x} lies over the {name} at {from:#x}");
                return Err(corrupt(self.entry_at(block), rule));
            }
        }
        Ok(())
    }

    /// What blocks may not lie over: name, start and end.
    pub(super) fn structures(&self) -> [(&'static str, u64, u64); 3] {
        let header = &self.header;
        let table_bytes = u64::from(header.max_table_entries).saturating_mul(4);
        [
            ("copy of the footer", 0, FOOTER_BYTES),
            (
                "dynamic disk header",
                header.at,
                header.at.saturating_add(HEADER_BYTES),
            ),
            (
                "block allocation table",
                header.table_offset,
                header.table_offset.saturating_add(table_bytes),
            ),
        ]
    }
}
