//! The L1 table: where the L2 tables are.

use detente_block::{BlockRead, ReadError};

use super::corrupt;
use super::field::{read_words, to_u64};
use super::geometry::Geometry;
use super::{FileOffset, field::to_usize};

/// \[qcow2\] "L1 table entry": bits 9 to 55.
const OFFSET_MASK: u64 = 0x00ff_ffff_ffff_fe00;

/// The L1 table, as far as the virtual size needs it. Every L2 table that it names lies, aligned,
/// inside the file.
#[derive(Debug)]
pub(super) struct L1Table {
    entries: Vec<u64>,
}

impl L1Table {
    /// Reads the `needed` entries at `start`, whose number was bounded. `at` is the field that says
    /// where they are.
    pub(super) fn read(
        file: &dyn BlockRead,
        geometry: &Geometry,
        at: u64,
        start: u64,
        needed: u64,
    ) -> Result<Self, ReadError> {
        if geometry.in_cluster(start) != 0 {
            return Err(corrupt(
                at,
                format!("the L1 table's offset {start:#x} is not aligned"),
            ));
        }
        let end = start.checked_add(needed.saturating_mul(8));
        if end.is_none_or(|end| end > file.len_bytes()) {
            return Err(corrupt(start, "the L1 table goes past the end of the file"));
        }
        let entries = read_words(file, start, needed)?;
        for (index, &entry) in entries.iter().enumerate() {
            let at = start.saturating_add(to_u64(index).saturating_mul(8));
            check_entry(entry, at, geometry, file.len_bytes())?;
        }
        Ok(Self { entries })
    }

    /// Where the L2 table is that describes the guest's `offset`; none if there is none.
    pub(super) fn l2_table(&self, offset: u64, geometry: &Geometry) -> Option<FileOffset> {
        let index = to_usize(geometry.l1_index(offset));
        let table = self.entries.get(index).copied().unwrap_or_default() & OFFSET_MASK;
        (table != 0).then_some(FileOffset(table))
    }
}

fn check_entry(entry: u64, at: u64, geometry: &Geometry, len: u64) -> Result<(), ReadError> {
    let table = entry & OFFSET_MASK;
    if geometry.in_cluster(table) != 0 {
        return Err(corrupt(
            at,
            format!("the L2 table's offset {table:#x} is not aligned"),
        ));
    }
    let end = table.saturating_add(geometry.cluster_bytes());
    if table != 0 && end > len {
        let rule = format!("the L2 table at {table:#x} goes past the end of the file");
        return Err(corrupt(at, rule));
    }
    Ok(())
}
