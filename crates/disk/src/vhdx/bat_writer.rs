//! The BAT of a new file, of which only the pages in use are held.

use std::collections::BTreeMap;

use super::bat::{Entry, PAGE_ENTRIES};
use super::field::to_usize;
use super::geometry::{Geometry, Slot};
use crate::layout::Patch;

/// How many pages are made in advance in one go.
const PAGES_AHEAD: u64 = 64;
/// The longest BAT that is written whole. A longer one, which only small blocks lead to, says nothing
/// of stretches of 8192 entries without data: every reader known takes them for zero.
const MAX_FILLED_BYTES: u64 = 32 << 20;

/// What entries say that nobody sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filler {
    /// The parent has it.
    NotPresent,
    /// It is zero: state 0 would leave the content open (\[MS-VHDX\] 2.5.1.1).
    Zero,
    /// Each block has its place, one after the other from here on.
    Fixed(u64),
}

/// The entries that are not written yet.
pub(super) struct BatWriter {
    start: u64,
    geometry: Geometry,
    filler: Filler,
    pages: BTreeMap<u64, Vec<u64>>,
    /// Pages below are written.
    next_page: u64,
}

impl BatWriter {
    /// The BAT at `start` of the file.
    pub(super) fn new(start: u64, geometry: Geometry, filler: Filler) -> Self {
        Self {
            start,
            geometry,
            filler,
            pages: BTreeMap::new(),
            next_page: 0,
        }
    }

    /// Sets an entry; its page must not have been taken.
    pub(super) fn set(&mut self, index: u64, entry: Entry) {
        let number = page_of(index);
        assert!(number >= self.next_page, "the page was written already");
        if !self.pages.contains_key(&number) {
            let fresh = self.fresh(number);
            self.pages.insert(number, fresh);
        }
        let within = to_usize(index.saturating_sub(number.saturating_mul(PAGE_ENTRIES)));
        let page = self.pages.get_mut(&number);
        let place = page.and_then(|page| page.get_mut(within));
        *place.expect("the entry is one of the BAT's") = entry.0;
    }

    /// A page that nobody set anything in.
    fn fresh(&self, number: u64) -> Vec<u64> {
        let first = number.saturating_mul(PAGE_ENTRIES);
        let end = self.geometry.bat_entries();
        let end = first.saturating_add(PAGE_ENTRIES).min(end);
        (first..end).map(|index| self.filling(index)).collect()
    }

    fn filling(&self, index: u64) -> u64 {
        let block = match self.geometry.slot(index) {
            Slot::Payload(block) if block < self.geometry.blocks() => block,
            Slot::Payload(_) | Slot::Bitmap(_) => return 0,
        };
        let entry = match self.filler {
            Filler::NotPresent => Entry::NOT_PRESENT,
            Filler::Zero => Entry::ZERO,
            Filler::Fixed(start) => {
                Entry::fully_present(start.saturating_add(self.geometry.block_start(block)))
            }
        };
        entry.0
    }

    /// Whether pages are written in which nothing was set.
    fn fills(&self) -> bool {
        match self.filler {
            Filler::NotPresent => false,
            Filler::Zero => self.geometry.bat_entries().saturating_mul(8) <= MAX_FILLED_BYTES,
            Filler::Fixed(_) => true,
        }
    }

    /// The pages in which nothing more is set, once entries below `index` are not.
    pub(super) fn take_below(&mut self, index: u64) -> Vec<Patch> {
        let end = match self.filler {
            // They are known from the start.
            Filler::Fixed(_) => self
                .next_page
                .saturating_add(PAGES_AHEAD)
                .min(self.page_count()),
            Filler::NotPresent | Filler::Zero => page_of(index),
        };
        self.take_pages(end)
    }

    /// All that is left.
    pub(super) fn take_all(&mut self) -> Vec<Patch> {
        self.take_pages(self.page_count())
    }

    fn page_count(&self) -> u64 {
        self.geometry.bat_entries().div_ceil(PAGE_ENTRIES)
    }

    fn take_pages(&mut self, end: u64) -> Vec<Patch> {
        let mut patches = Vec::new();
        if self.fills() {
            for number in self.next_page..end {
                let page = self.pages.remove(&number);
                let page = page.unwrap_or_else(|| self.fresh(number));
                patches.push(self.patch(number, &page));
            }
        } else {
            while let Some(page) = self.pages.first_entry().filter(|page| *page.key() < end) {
                let (number, page) = page.remove_entry();
                patches.push(self.patch(number, &page));
            }
        }
        self.next_page = self.next_page.max(end);
        patches
    }

    fn patch(&self, number: u64, page: &[u64]) -> Patch {
        let skip = number.saturating_mul(PAGE_ENTRIES).saturating_mul(8);
        Patch {
            offset: self.start.saturating_add(skip),
            bytes: page.iter().copied().flat_map(u64::to_le_bytes).collect(),
        }
    }
}

fn page_of(index: u64) -> u64 {
    index.checked_div(PAGE_ENTRIES).unwrap_or_default()
}
