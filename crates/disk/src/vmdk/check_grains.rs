//! Looking for broken rules in the grain tables of a sparse extent.

use detente_block::{BlockRead, ReadError};

use super::check::add_error;
use super::claimed::Claimed;
use super::directory::{Directory, read_words};
use super::field::{read, to_u64, u32_at, u64_at};
use super::packed::MARKER_BYTES;
use super::shape::{Grain, Shape};
use super::{SECTOR, corrupt};
use crate::CheckReport;
use crate::finding::broken;

const TABLES: &str = "[VMDK] Grain Directories and Grain Tables";
const STREAM: &str = "[VMDK] Stream-Optimized Compressed Sparse Extents";

/// What a check goes through.
struct Check<'a> {
    file: &'a dyn BlockRead,
    shape: &'a Shape,
    directory: Directory,
    redundant: Option<Directory>,
    claimed: Claimed,
    /// Before this lies no grain.
    over_head: u64,
    report: &'a mut CheckReport,
}

/// Looks at both directories, every table and every grain. Before `over_head` lies no grain.
pub(super) fn check_grains(
    file: &dyn BlockRead,
    shape: &Shape,
    over_head: u64,
    report: &mut CheckReport,
) -> Result<(), ReadError> {
    report.units = shape.grains();
    let directory = Directory::new(file, shape, shape.directory_offset);
    let mut redundant = None;
    if let Some(offset) = shape.redundant_offset {
        match Directory::new(file, shape, offset) {
            Ok(found) => redundant = Some(found),
            Err(error) => add_error(report, error, "vmdk.redundant.place", TABLES)?,
        }
    }
    let directory = match directory {
        Ok(directory) => directory,
        Err(error) => {
            report.complete = false;
            return add_error(report, error, "vmdk.directory.place", TABLES);
        }
    };
    let mut check = Check {
        file,
        shape,
        directory,
        redundant,
        claimed: Claimed::new(file.len_bytes()),
        over_head: over_head.min(file.len_bytes()),
        report,
    };
    check.structures();
    for index in 0..shape.tables() {
        check.table(index)?;
    }
    Ok(())
}

impl Check<'_> {
    /// The header and the directories themselves.
    fn structures(&mut self) {
        let bytes = self.shape.tables().saturating_mul(self.shape.entry_bytes());
        self.claimed.take(0, SECTOR);
        let mut end = self.over_head;
        for offset in [
            Some(self.shape.directory_offset),
            self.shape.redundant_offset,
        ] {
            let Some(offset) = offset else { continue };
            end = end.max(offset.saturating_add(bytes));
            if !self.claimed.take(offset, bytes) {
                let what = format!("the grain directory at {offset:#x} overlaps another structure");
                self.add("vmdk.directory.overlap", offset, what);
            }
        }
        self.used(end.min(self.file.len_bytes()));
    }

    fn add(&mut self, rule: &'static str, offset: u64, what: String) {
        self.report.add(broken(rule, offset, what, TABLES));
    }

    /// One table and its copy. A table that overlaps something is not gone through: so no file has
    /// more entries to look at than it has bytes.
    fn table(&mut self, index: u64) -> Result<(), ReadError> {
        let first = self.place(index, Copy::First)?;
        let second = self.place(index, Copy::Redundant)?;
        let entry_at = self.directory.entry_at(self.shape, index);
        if self.redundant.is_some() && first.is_some() != second.is_some() {
            let what = format!("only one of the directories has a grain table {index}");
            self.add("vmdk.redundant.differs", entry_at, what);
        }
        let first_free = first.is_some_and(|at| self.take_table(index, at));
        let second_free = second.is_some_and(|at| self.take_table(index, at));
        let Some(at) = first.filter(|_| first_free) else {
            return Ok(());
        };
        let words = self.words(at)?;
        if let Some(copy_at) = second.filter(|_| second_free) {
            let copy = self.words(copy_at)?;
            if let Some(slot) = words
                .iter()
                .zip(&copy)
                .position(|(one, other)| one != other)
            {
                let what = format!("grain table {index} and its copy at {copy_at:#x} differ");
                let slot = to_u64(slot).saturating_mul(self.shape.entry_bytes());
                self.add("vmdk.redundant.differs", at.saturating_add(slot), what);
            }
        }
        for (slot, word) in words.iter().enumerate() {
            let slot = to_u64(slot);
            let grain = index
                .saturating_mul(self.shape.entries_per_table)
                .saturating_add(slot);
            let entry_at = at.saturating_add(slot.saturating_mul(self.shape.entry_bytes()));
            if grain < self.shape.grains() {
                self.grain(grain, *word, entry_at)?;
            }
        }
        Ok(())
    }

    /// Where a directory says that a table is.
    fn place(&mut self, index: u64, copy: Copy) -> Result<Option<u64>, ReadError> {
        let directory = match copy {
            Copy::First => Some(&self.directory),
            Copy::Redundant => self.redundant.as_ref(),
        };
        let Some(directory) = directory else {
            return Ok(None);
        };
        match directory.table(self.file, self.shape, index) {
            Ok(place) => Ok(place),
            Err(error) => {
                add_error(self.report, error, "vmdk.table.place", TABLES)?;
                Ok(None)
            }
        }
    }

    fn take_table(&mut self, index: u64, at: u64) -> bool {
        let free = self.claimed.take(at, self.shape.table_bytes());
        if !free {
            let what = format!("grain table {index} at {at:#x} overlaps another structure");
            self.add("vmdk.table.overlap", at, what);
        }
        self.used(at.saturating_add(self.shape.table_bytes()));
        free
    }

    fn words(&self, at: u64) -> Result<Vec<u64>, ReadError> {
        let shape = self.shape;
        read_words(
            self.file,
            at,
            shape.entries_per_table,
            shape.entry_bytes(),
            "grain table",
        )
    }

    fn grain(&mut self, grain: u64, word: u64, entry_at: u64) -> Result<(), ReadError> {
        let place = match self.shape.grain(word, entry_at) {
            Ok(place) => place,
            Err(error) => return add_error(self.report, error, "vmdk.grain.type", TABLES),
        };
        let (start, len) = match place {
            Grain::Absent | Grain::Zero => return Ok(()),
            Grain::At(start) => (start, self.shape.grain_len(grain)),
            Grain::Packed(start) => match self.packed_len(grain, start) {
                Ok(len) => (start, len),
                Err(error) => return add_error(self.report, error, "vmdk.grain.marker", STREAM),
            },
        };
        self.report.allocated_units = self.report.allocated_units.saturating_add(1);
        let end = start.saturating_add(len);
        if end > self.file.len_bytes() {
            let what = format!("grain {grain} at {start:#x} goes past the end of the file");
            self.add("vmdk.grain.place", entry_at, what);
        } else if start < self.over_head {
            let what = format!(
                "grain {grain} at {start:#x} lies in the metadata, which ends at {:#x}",
                self.over_head
            );
            self.add("vmdk.grain.place", entry_at, what);
        } else if !self.claimed.take(start, len) {
            let what = format!("grain {grain} at {start:#x} overlaps another structure");
            self.add("vmdk.grain.overlap", entry_at, what);
        }
        if end <= self.file.len_bytes() {
            self.used(end);
        }
        Ok(())
    }

    /// How long a compressed grain is with its marker, which has to be its own.
    fn packed_len(&self, grain: u64, at: u64) -> Result<u64, ReadError> {
        let marker = read(self.file, at, MARKER_BYTES, "grain marker")?;
        let first = u64_at(&marker, 0);
        if first != grain.saturating_mul(self.shape.grain_sectors) {
            let rule = format!("the marker of grain {grain} says that sector {first} follows");
            return Err(corrupt(at, rule));
        }
        Ok(MARKER_BYTES.saturating_add(u64::from(u32_at(&marker, 8))))
    }

    /// Notes that the file is in use up to `end`, which is inside.
    fn used(&mut self, end: u64) {
        let end = end.div_ceil(SECTOR).saturating_mul(SECTOR);
        self.report.image_end = self.report.image_end.max(end);
        self.report.complete &= self.claimed.covers(end);
    }
}

/// Which of both directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copy {
    First,
    Redundant,
}
