//! Where the grains of a sparse extent are: directory, tables, grains.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

use super::corrupt;
use super::directory::{self, Directory};
use super::field::to_usize;
use super::shape::{Grain, Shape};
use crate::cache::Cache;

/// What the tables, and the unpacked grains, that are kept may take each.
const CACHE_BYTES: u64 = 4 << 20;
/// A grain table, and where it is.
struct Table {
    at: u64,
    entries: Arc<Vec<u64>>,
}

/// The grains of an extent.
pub(super) struct Grains {
    pub(super) file: Arc<dyn BlockRead>,
    pub(super) shape: Shape,
    directory: Directory,
    redundant: Option<Directory>,
    tables: Cache<u64, Vec<u64>>,
    pub(super) unpacked: Cache<u64, Vec<u8>>,
}

impl Grains {
    /// `shape` was checked. Nothing but the place of the directory is looked at.
    pub(super) fn new(file: Arc<dyn BlockRead>, shape: Shape) -> Result<Self, ReadError> {
        let directory = Directory::new(&*file, &shape, shape.directory_offset);
        let redundant = shape
            .redundant_offset
            .and_then(|offset| Directory::new(&*file, &shape, offset).ok());
        // One of both is enough.
        let (directory, redundant) = match (directory, redundant) {
            (Ok(directory), redundant) => (directory, redundant),
            (Err(_), Some(redundant)) => (redundant, None),
            (Err(error), None) => return Err(error),
        };
        Ok(Self {
            tables: Cache::new(CACHE_BYTES, shape.table_bytes(), 64),
            unpacked: Cache::new(CACHE_BYTES, shape.grain_bytes(), 16),
            file,
            shape,
            directory,
            redundant,
        })
    }

    /// Grains that lie alike from `offset` on, and how far they go; at most one table is looked at.
    pub(super) fn run(&self, offset: u64, most: u64) -> Result<(Grain, u64), ReadError> {
        let grain_bytes = self.shape.grain_bytes();
        let grain = offset.checked_div(grain_bytes).unwrap_or(0);
        let into = offset.checked_rem(grain_bytes).unwrap_or(0);
        let index = grain.checked_div(self.shape.entries_per_table).unwrap_or(0);
        let slot = grain.checked_rem(self.shape.entries_per_table).unwrap_or(0);
        let left_in_table = self.shape.entries_per_table.saturating_sub(slot);
        let Some(table) = self.table(index)? else {
            let len = left_in_table
                .saturating_mul(grain_bytes)
                .saturating_sub(into);
            return Ok((Grain::Absent, len));
        };
        let first = self.grain(&table, slot, grain)?;
        let wanted = into
            .saturating_add(most)
            .div_ceil(grain_bytes)
            .min(left_in_table);
        let mut count = 1;
        while count < wanted {
            let (slot, grain) = (slot.saturating_add(count), grain.saturating_add(count));
            // What is wrong with a neighbour is for whoever wants the neighbour.
            let Ok(next) = self.grain(&table, slot, grain) else {
                break;
            };
            if !continues(first, next, count.saturating_mul(grain_bytes)) {
                break;
            }
            count = count.saturating_add(1);
        }
        let len = count.saturating_mul(grain_bytes).saturating_sub(into);
        Ok((skip(first, into), len))
    }

    /// The place of a grain; one that is in the file lies wholly inside.
    fn grain(&self, table: &Table, slot: u64, grain: u64) -> Result<Grain, ReadError> {
        let into = slot.saturating_mul(self.shape.entry_bytes());
        let at = table.at.saturating_add(into);
        let entry = table.entries.get(to_usize(slot)).copied().unwrap_or(0);
        let place = self.shape.grain(entry, at)?;
        let len = self.file.len_bytes();
        let end = match place {
            Grain::Absent | Grain::Zero => 0,
            Grain::At(start) => start.saturating_add(self.shape.grain_len(grain)),
            Grain::Packed(start) => start.saturating_add(1),
        };
        if end > len {
            let rule = format!("grain {grain} goes past the end of the file at {len:#x}");
            return Err(corrupt(at, rule));
        }
        Ok(place)
    }

    /// A grain table and where it is; none if no grain of it is there. What the first directory has
    /// wrong, the redundant one may have right.
    fn table(&self, index: u64) -> Result<Option<Table>, ReadError> {
        let first = self.table_of(&self.directory, index);
        match (&first, &self.redundant) {
            (Err(ReadError::Corrupt { .. }), Some(redundant)) => {
                self.table_of(redundant, index).or(first)
            }
            _found => first,
        }
    }

    fn table_of(&self, directory: &Directory, index: u64) -> Result<Option<Table>, ReadError> {
        let Some(at) = directory.table(&*self.file, &self.shape, index)? else {
            return Ok(None);
        };
        let entries = self.tables.get_or(at, || {
            let words = self.shape.entries_per_table;
            directory::read_words(
                &*self.file,
                at,
                words,
                self.shape.entry_bytes(),
                "grain table",
            )
        })?;
        Ok(Some(Table { at, entries }))
    }
}

/// Whether `next` goes on where `first` is after `len` bytes.
fn continues(first: Grain, next: Grain, len: u64) -> bool {
    match (first, next) {
        (Grain::Absent, Grain::Absent) | (Grain::Zero, Grain::Zero) => true,
        (Grain::At(start), Grain::At(next)) => start.saturating_add(len) == next,
        (Grain::Absent | Grain::Zero | Grain::At(_) | Grain::Packed(_), _) => false,
    }
}

/// The place `into` bytes further.
fn skip(grain: Grain, into: u64) -> Grain {
    match grain {
        Grain::At(start) => Grain::At(start.saturating_add(into)),
        Grain::Absent | Grain::Zero | Grain::Packed(_) => grain,
    }
}
