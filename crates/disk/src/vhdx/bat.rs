//! The BAT: the state of each block, and where it is. \[MS-VHDX\] 2.5.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

use super::areas::Areas;
use super::fault::{Fault, Rule, read_bytes};
use super::field::MIB;
use super::geometry::{Geometry, Slot};
use super::region::Region;
use crate::cache::Cache;

/// How many entries are read at once.
pub(super) const PAGE_ENTRIES: u64 = 8192;
/// What all cached pages may take.
const CACHE_BYTES: u64 = 4 << 20;

const SHORT: Rule = Rule::new("vhdx.bat.length", "[MS-VHDX] 2.5");
const STATE: Rule = Rule::new("vhdx.bat.state", "[MS-VHDX] 2.5.1.1");
const PARTIAL: Rule = Rule::new("vhdx.bat.partial", "[MS-VHDX] 2.5.1.1");
const BITMAP_STATE: Rule = Rule::new("vhdx.bat.bitmap-state", "[MS-VHDX] 2.5.1.2");
const PLACE: Rule = Rule::new("vhdx.bat.place", "[MS-VHDX] 2.5.1");
const PAST_END: Rule = Rule::new("vhdx.bat.past-end", "[MS-VHDX] 2.5.1");

/// An entry: three bits of state, and a file offset in mebibytes in the upper 44.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry(pub(super) u64);

/// \[MS-VHDX\] 2.5.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PayloadState {
    NotPresent,
    Undefined,
    Zero,
    Unmapped,
    FullyPresent,
    PartiallyPresent,
    /// 4 and 5.
    Reserved(u64),
}

/// Whether a chunk has a sector bitmap block. \[MS-VHDX\] 2.5.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BitmapState {
    NotPresent,
    Present,
    /// All others.
    Reserved(u64),
}

impl Entry {
    pub(super) const NOT_PRESENT: Self = Self(0);
    pub(super) const ZERO: Self = Self(2);

    pub(super) fn fully_present(offset: u64) -> Self {
        Self(offset | 6)
    }

    pub(super) fn partially_present(offset: u64) -> Self {
        Self(offset | 7)
    }

    pub(super) fn payload(self) -> PayloadState {
        match self.0 & 7 {
            0 => PayloadState::NotPresent,
            1 => PayloadState::Undefined,
            2 => PayloadState::Zero,
            3 => PayloadState::Unmapped,
            6 => PayloadState::FullyPresent,
            7 => PayloadState::PartiallyPresent,
            other => PayloadState::Reserved(other),
        }
    }

    pub(super) fn bitmap(self) -> BitmapState {
        match self.0 & 7 {
            0 => BitmapState::NotPresent,
            6 => BitmapState::Present,
            other => BitmapState::Reserved(other),
        }
    }

    pub(super) fn offset(self) -> u64 {
        self.0 & !0xf_ffff
    }

    /// Bits 3 to 19, which are to be zero.
    pub(super) fn reserved(self) -> u64 {
        self.0 & 0xf_fff8
    }
}

/// The table in the file, read by pages.
pub(super) struct Bat {
    start: u64,
    entries: u64,
    pages: Cache<u64, Vec<u64>>,
}

impl Bat {
    /// The table in `region`, which must be long enough for the disk.
    pub(super) fn new(region: Region, geometry: &Geometry) -> Result<Self, Fault> {
        let entries = geometry.bat_entries();
        let wanted = entries.saturating_mul(8);
        if u64::from(region.length) < wanted {
            let what = format!(
                "the BAT has {:#x} bytes, and the disk needs {wanted:#x}",
                region.length
            );
            return Err(SHORT.broken(region.at.saturating_add(24), what));
        }
        Ok(Self {
            start: region.offset,
            entries,
            pages: Cache::new(CACHE_BYTES, PAGE_ENTRIES.saturating_mul(8), 64),
        })
    }

    /// Where an entry stands in the file.
    pub(super) fn entry_at(&self, index: u64) -> u64 {
        self.start.saturating_add(index.saturating_mul(8))
    }

    /// The page of this number: the entries from `page * PAGE_ENTRIES` on.
    pub(super) fn page(&self, file: &dyn BlockRead, page: u64) -> Result<Arc<Vec<u64>>, ReadError> {
        self.pages.get_or(page, || {
            let first = page.saturating_mul(PAGE_ENTRIES);
            let count = self.entries.saturating_sub(first).min(PAGE_ENTRIES);
            let bytes = read_bytes(file, self.entry_at(first), count.saturating_mul(8), "BAT")?;
            let (words, _) = bytes.as_chunks();
            Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
        })
    }
}

/// The rules that an entry is held against.
pub(super) struct EntryRules<'a> {
    pub(super) geometry: &'a Geometry,
    pub(super) areas: &'a Areas,
    pub(super) file_len: u64,
}

impl EntryRules<'_> {
    /// Holds the entry of `slot`, which stands at `at`, against the rules that concern it alone.
    pub(super) fn validate(&self, slot: Slot, entry: Entry, at: u64) -> Result<(), Fault> {
        match slot {
            Slot::Payload(block) => self.validate_payload(block, entry, at),
            Slot::Bitmap(chunk) => self.validate_bitmap(chunk, entry, at),
        }
    }

    fn validate_payload(&self, block: u64, entry: Entry, at: u64) -> Result<(), Fault> {
        match entry.payload() {
            PayloadState::NotPresent
            | PayloadState::Undefined
            | PayloadState::Zero
            | PayloadState::Unmapped => Ok(()),
            PayloadState::PartiallyPresent if !self.geometry.has_parent => {
                let what = format!("block {block} is partially present in a file without a parent");
                Err(PARTIAL.broken(at, what))
            }
            PayloadState::FullyPresent | PayloadState::PartiallyPresent => {
                let name = format!("block {block}");
                self.place(&name, entry.offset(), self.geometry.visible(block), at)
            }
            PayloadState::Reserved(state) => {
                let what = format!("block {block} has the reserved state {state}");
                Err(STATE.broken(at, what))
            }
        }
    }

    fn validate_bitmap(&self, chunk: u64, entry: Entry, at: u64) -> Result<(), Fault> {
        match entry.bitmap() {
            BitmapState::NotPresent => Ok(()),
            BitmapState::Present if self.geometry.has_parent => {
                let name = format!("sector bitmap block {chunk}");
                self.place(&name, entry.offset(), MIB, at)
            }
            BitmapState::Present => {
                let what =
                    format!("sector bitmap block {chunk} is there in a file without a parent");
                Err(BITMAP_STATE.broken(at, what))
            }
            BitmapState::Reserved(state) => {
                let what = format!("sector bitmap block {chunk} has the reserved state {state}");
                Err(BITMAP_STATE.broken(at, what))
            }
        }
    }

    /// `used` bytes of it have to be in the file: QEMU ends a fixed file with the disk's last byte.
    pub(super) fn place(&self, name: &str, start: u64, used: u64, at: u64) -> Result<(), Fault> {
        let end = start.saturating_add(used);
        if let Some(area) = self.areas.met_by(start, end) {
            let what = format!("{name} at {start:#x} lies in the {}", area.name);
            return Err(PLACE.broken(at, what));
        }
        if end > self.file_len {
            let what = format!(
                "{name} at {start:#x} goes past the end of the file at {:#x}",
                self.file_len
            );
            return Err(PAST_END.broken(at, what));
        }
        Ok(())
    }
}
