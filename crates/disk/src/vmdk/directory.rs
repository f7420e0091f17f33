//! The grain directory: where the grain tables are. Read a window at a time.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

use super::field::{read, to_usize};
use super::shape::{GrainKind, Shape};
use super::{SECTOR, corrupt};
use crate::cache::Cache;

/// Entries that are read at a time.
const WINDOW_ENTRIES: u64 = 1024;
/// What the windows that are kept may take.
const CACHE_BYTES: u64 = 256 << 10;

/// A grain directory that lies inside the file.
pub(super) struct Directory {
    offset: u64,
    entries: u64,
    windows: Cache<u64, Vec<u64>>,
}

impl Directory {
    /// The directory at `offset`, if the file has all of it.
    pub(super) fn new(file: &dyn BlockRead, shape: &Shape, offset: u64) -> Result<Self, ReadError> {
        let entries = shape.tables();
        let end = entries
            .checked_mul(shape.entry_bytes())
            .and_then(|bytes| bytes.checked_add(offset));
        if end.is_none_or(|end| end > file.len_bytes()) {
            let rule = format!(
                "the grain directory of {entries} entries goes past the end of the file at {:#x}",
                file.len_bytes()
            );
            return Err(corrupt(offset, rule));
        }
        let window_bytes = WINDOW_ENTRIES.saturating_mul(8);
        Ok(Self {
            offset,
            entries,
            windows: Cache::new(CACHE_BYTES, window_bytes, 32),
        })
    }

    /// Where a grain table is; none if the directory has none.
    pub(super) fn table(
        &self,
        file: &dyn BlockRead,
        shape: &Shape,
        index: u64,
    ) -> Result<Option<u64>, ReadError> {
        let window = self.window(file, shape, index / WINDOW_ENTRIES)?;
        let entry = window
            .get(to_usize(index % WINDOW_ENTRIES))
            .copied()
            .unwrap_or(0);
        let at = self.entry_at(shape, index);
        let sector = match shape.kind {
            _ if entry == 0 => return Ok(None),
            GrainKind::Hosted { .. } => entry,
            // QEMU's `get_cluster_offset`: the highest four bits are 1, the lower half counts.
            GrainKind::SeSparse { tables, .. } => {
                if entry >> 32 != 0x1000_0000 {
                    let rule = format!("the grain directory entry {entry:#018x} has no known type");
                    return Err(corrupt(at, rule));
                }
                let table_sectors = shape.table_bytes() / SECTOR;
                let number = entry & u64::from(u32::MAX);
                tables.saturating_add(number.saturating_mul(table_sectors))
            }
        };
        let table = sector.saturating_mul(SECTOR);
        if table.saturating_add(shape.table_bytes()) > file.len_bytes() {
            let rule = format!(
                "grain table {index} at {table:#x} goes past the end of the file at {:#x}",
                file.len_bytes()
            );
            return Err(corrupt(at, rule));
        }
        Ok(Some(table))
    }

    /// Where an entry is in the file.
    pub(super) fn entry_at(&self, shape: &Shape, index: u64) -> u64 {
        self.offset
            .saturating_add(index.saturating_mul(shape.entry_bytes()))
    }

    fn window(
        &self,
        file: &dyn BlockRead,
        shape: &Shape,
        window: u64,
    ) -> Result<Arc<Vec<u64>>, ReadError> {
        self.windows.get_or(window, || {
            let first = window.saturating_mul(WINDOW_ENTRIES);
            let words = self.entries.saturating_sub(first).min(WINDOW_ENTRIES);
            let at = self.entry_at(shape, first);
            read_words(file, at, words, shape.entry_bytes(), "grain directory")
        })
    }
}

/// Little-endian words of 4 or 8 bytes; the caller has bounded them.
pub(super) fn read_words(
    file: &dyn BlockRead,
    at: u64,
    words: u64,
    word_bytes: u64,
    name: &str,
) -> Result<Vec<u64>, ReadError> {
    let bytes = read(file, at, words.saturating_mul(word_bytes), name)?;
    Ok(if word_bytes == 4 {
        let (words, _) = bytes.as_chunks();
        words
            .iter()
            .map(|word| u64::from(u32::from_le_bytes(*word)))
            .collect()
    } else {
        let (words, _) = bytes.as_chunks();
        words.iter().map(|word| u64::from_le_bytes(*word)).collect()
    })
}
