//! Looking for broken rules in the BAT: no block where something else is.

use detente_block::{BlockRead, ReadError};

use super::areas::Areas;
use super::bat::{Bat, BitmapState, Entry, EntryRules, PAGE_ENTRIES, PayloadState};
use super::check::Check;
use super::fault::Rule;
use super::field::{MIB, to_usize};
use super::geometry::{Geometry, Slot};
use super::reader::NO_BITMAP;
use super::replay::View;
use crate::Severity;

/// What the bit for each mebibyte covers at most: twice what a disk of 64 TiB takes.
const MAX_UNITS: u64 = 1 << 27;

const OVERLAP: Rule = Rule::new("vhdx.bat.overlap", "[MS-VHDX] 2.5.1");
const RESERVED: Rule = Rule::new("vhdx.bat.reserved", "[MS-VHDX] 2.5.1");
const FREE: Rule = Rule::new("vhdx.free", "[MS-VHDX] 2.1");

/// Goes through all entries; whether all places could be compared.
pub(super) fn check_bat(
    check: &mut Check<'_>,
    view: &View<'_>,
    geometry: &Geometry,
    areas: &Areas,
    bat: &Bat,
) -> Result<bool, ReadError> {
    let mut walk = Walk {
        rules: EntryRules {
            geometry,
            areas,
            file_len: view.len_bytes(),
        },
        used: Units::new(view.len_bytes()),
        partial: None,
        allocated: 0,
    };
    for area in areas.all() {
        walk.used.take(area.start, area.end);
    }
    for page in 0..geometry.bat_entries().div_ceil(PAGE_ENTRIES) {
        let entries = match bat.page(view, page) {
            Ok(entries) => entries,
            // The region is not in the file, which was said already.
            Err(ReadError::Corrupt { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        let first = page.saturating_mul(PAGE_ENTRIES);
        for (index, raw) in (first..).zip(entries.iter()) {
            walk.entry(check, index, Entry(*raw), bat.entry_at(index))?;
        }
    }
    check.report.units = geometry.blocks();
    check.report.allocated_units = walk.allocated;
    check.report.image_end = walk.used.end();
    let free = walk.used.free(view.file.len_bytes());
    if free > 0 {
        let what = format!("{free} MiB of the file hold nothing");
        check.report.add(FREE.finding(Severity::Note, 0, what));
    }
    Ok(walk.used.is_complete)
}

struct Walk<'a> {
    rules: EntryRules<'a>,
    used: Units,
    /// A block of this chunk that needs the sector bitmap.
    partial: Option<u64>,
    allocated: u64,
}

impl Walk<'_> {
    fn entry(
        &mut self,
        check: &mut Check<'_>,
        index: u64,
        entry: Entry,
        at: u64,
    ) -> Result<(), ReadError> {
        let slot = self.rules.geometry.slot(index);
        if let Slot::Bitmap(chunk) = slot {
            self.needs_bitmap(check, chunk, entry, at)?;
        }
        if entry == Entry::NOT_PRESENT {
            return Ok(());
        }
        if entry.reserved() != 0 {
            let what = format!(
                "entry {index} of the BAT has reserved bits set: {:#x}",
                entry.0
            );
            check.note::<()>(Err(RESERVED.broken(at, what)))?;
        }
        if check.note(self.rules.validate(slot, entry, at))?.is_none() {
            return Ok(());
        }
        let Some((name, len)) = self.room(slot, entry) else {
            return Ok(());
        };
        let start = entry.offset();
        let whole = self.rules.place(&name, start, len, at);
        if check.note(whole)?.is_none() {
            return Ok(());
        }
        if !self.used.take(start, start.saturating_add(len)) {
            let what = format!("{name} at {start:#x} lies where another block is");
            check.note::<()>(Err(OVERLAP.broken(at, what)))?;
        }
        Ok(())
    }

    /// A partial block came before the entry of its sector bitmap.
    fn needs_bitmap(
        &mut self,
        check: &mut Check<'_>,
        chunk: u64,
        entry: Entry,
        at: u64,
    ) -> Result<(), ReadError> {
        let Some(block) = self.partial.take() else {
            return Ok(());
        };
        if entry.bitmap() != BitmapState::Present {
            let what = format!(
                "block {block} is partially present, and sector bitmap block {chunk} is not there"
            );
            check.note::<()>(Err(NO_BITMAP.broken(at, what)))?;
        }
        Ok(())
    }

    /// What an entry takes in the file, if anything, and what to call it.
    fn room(&mut self, slot: Slot, entry: Entry) -> Option<(String, u64)> {
        let block = match slot {
            Slot::Bitmap(chunk) => return Some((format!("sector bitmap block {chunk}"), MIB)),
            Slot::Payload(block) => block,
        };
        match entry.payload() {
            PayloadState::NotPresent | PayloadState::Zero | PayloadState::Reserved(_) => None,
            // They may keep their place.
            PayloadState::Undefined | PayloadState::Unmapped if entry.offset() == 0 => None,
            PayloadState::Undefined | PayloadState::Unmapped | PayloadState::FullyPresent => {
                self.placed(block, entry)
            }
            PayloadState::PartiallyPresent => {
                self.partial = Some(block);
                self.placed(block, entry)
            }
        }
    }

    fn placed(&mut self, block: u64, entry: Entry) -> Option<(String, u64)> {
        let geometry = self.rules.geometry;
        match entry.payload() {
            PayloadState::FullyPresent | PayloadState::PartiallyPresent => {
                self.allocated = self.allocated.saturating_add(1);
            }
            PayloadState::NotPresent
            | PayloadState::Undefined
            | PayloadState::Zero
            | PayloadState::Unmapped
            | PayloadState::Reserved(_) => {}
        }
        // The file may end with the disk's last byte.
        let whole = entry.offset().saturating_add(geometry.block_len()) <= self.rules.file_len;
        let len = if whole {
            geometry.block_len()
        } else {
            geometry.visible(block)
        };
        Some((format!("block {block}"), len))
    }
}

/// A bit for each mebibyte of the file.
struct Units {
    bits: Vec<u64>,
    len: u64,
    /// Whether all that was taken has a bit.
    is_complete: bool,
}

impl Units {
    fn new(file_len: u64) -> Self {
        let len = file_len.div_ceil(MIB).min(MAX_UNITS);
        Self {
            bits: vec![0; to_usize(len.div_ceil(64))],
            len,
            is_complete: true,
        }
    }

    /// Takes what lies from `start` to `end`; whether all of it was free.
    fn take(&mut self, start: u64, end: u64) -> bool {
        let (first, last) = (start >> 20, end.div_ceil(MIB));
        if last > self.len {
            self.is_complete = false;
        }
        let mut free = true;
        for unit in first..last.min(self.len) {
            let word = self.bits.get_mut(to_usize(unit >> 6));
            let word = word.expect("it is below the length");
            let bit = 1 << (unit & 63);
            free &= *word & bit == 0;
            *word |= bit;
        }
        free
    }

    /// Where the last taken mebibyte ends.
    fn end(&self) -> u64 {
        let last = self.bits.iter().rposition(|word| *word != 0);
        let Some((index, word)) = last.and_then(|at| Some((at, self.bits.get(at)?))) else {
            return 0;
        };
        let above = u64::from(word.leading_zeros());
        let units = super::field::to_u64(index).saturating_add(1);
        let units = units.saturating_mul(64).saturating_sub(above);
        units.saturating_mul(MIB)
    }

    /// How many mebibytes of a file of this length are free.
    fn free(&self, file_len: u64) -> u64 {
        let taken = self.bits.iter().map(|word| u64::from(word.count_ones()));
        let taken = taken.fold(0, u64::saturating_add);
        file_len.div_ceil(MIB).saturating_sub(taken)
    }
}
