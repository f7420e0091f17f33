//! Memory that the guest lends: lists of pages, put together and checked.

use std::collections::BTreeMap;

use crate::memory::{GuestMemory, PAGE_BYTES};
use crate::pages::PageRange;
use crate::protocol::{GpadlBody, GpadlHeader};

/// GPADLs of a channel at the same time.
pub(super) const GPADL_LIMIT: usize = 64;

/// GPADLs of the whole bus whose bodies are still to come; each may have 64 KiB.
pub(super) const UNFINISHED_LIMIT: usize = 32;

/// Pages that all GPADLs of a channel may name: 64 MiB. A NIC with the biggest buffers of Linux's
/// driver (31 and 15 MiB) and rings of 8 MiB stays below.
pub(super) const PAGE_LIMIT: usize = 16384;

/// What the guest broke. It learns of it by a status that is not success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadGpadl;

/// What came of a header or body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Bodies are still to come.
    Unfinished,
    /// All is there: the channel that it is for, and its ranges.
    Whole { relid: u32, ranges: Vec<PageRange> },
}

/// GPADLs of which not all was said yet. Bodies name no channel, so they are found by number.
#[derive(Debug, Default)]
pub(super) struct Unfinished(BTreeMap<u32, Assembly>);

#[derive(Debug)]
struct Assembly {
    relid: u32,
    ranges: u16,
    /// How many bytes the ranges will have.
    whole: usize,
    bytes: Vec<u8>,
}

impl Unfinished {
    /// The first part of a GPADL.
    pub(super) fn begin(&mut self, header: &GpadlHeader<'_>) -> Result<Progress, BadGpadl> {
        let assembly = Assembly {
            relid: header.relid,
            ranges: header.ranges,
            whole: usize::from(header.ranges_bytes),
            bytes: Vec::new(),
        };
        if self.0.contains_key(&header.gpadl) || self.0.len() >= UNFINISHED_LIMIT {
            return Err(BadGpadl);
        }
        self.grow(header.gpadl, assembly, header.bytes)
    }

    /// One more part; an error forgets the GPADL. `None` when there is none of this number.
    pub(super) fn go_on(
        &mut self,
        body: &GpadlBody<'_>,
    ) -> Option<(u32, Result<Progress, BadGpadl>)> {
        let assembly = self.0.remove(&body.gpadl)?;
        let relid = assembly.relid;
        Some((relid, self.grow(body.gpadl, assembly, body.bytes)))
    }

    /// Forgets one; it may not be there.
    pub(super) fn forget(&mut self, relid: u32, gpadl: u32) {
        if self.0.get(&gpadl).is_some_and(|found| found.relid == relid) {
            self.0.remove(&gpadl);
        }
    }

    /// Forgets those of a channel.
    pub(super) fn forget_channel(&mut self, relid: u32) {
        self.0.retain(|_, assembly| assembly.relid != relid);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn grow(
        &mut self,
        gpadl: u32,
        mut assembly: Assembly,
        bytes: &[u8],
    ) -> Result<Progress, BadGpadl> {
        // Without a part each message would keep us waiting for ever; no part is half a word.
        if bytes.is_empty() || !bytes.len().is_multiple_of(8) {
            return Err(BadGpadl);
        }
        let left = assembly.whole.saturating_sub(assembly.bytes.len());
        if bytes.len() > left {
            return Err(BadGpadl);
        }
        assembly.bytes.extend_from_slice(bytes);
        if bytes.len() < left {
            self.0.insert(gpadl, assembly);
            return Ok(Progress::Unfinished);
        }
        let ranges = parse_ranges(&assembly.bytes, assembly.ranges).ok_or(BadGpadl)?;
        Ok(Progress::Whole {
            relid: assembly.relid,
            ranges,
        })
    }
}

/// The ranges, if they are so many, none is empty, and they take all of the bytes.
fn parse_ranges(bytes: &[u8], count: u16) -> Option<Vec<PageRange>> {
    if count == 0 {
        return None;
    }
    let mut rest = bytes;
    let mut ranges = Vec::new();
    // Each takes at least 16 of at most 65,535 bytes.
    for _ in 0..count {
        let (head, after) = rest.split_first_chunk::<8>()?;
        let word = u64::from_le_bytes(*head);
        let len = u32::try_from(word & 0xffff_ffff).ok()?;
        let offset = u32::try_from(word >> 32).ok()?;
        if len == 0 {
            return None;
        }
        let end = u64::from(len).checked_add(u64::from(offset))?;
        let pages = usize::try_from(end.div_ceil(PAGE_BYTES)).ok()?;
        let (pfns, after) = after.split_at_checked(pages.checked_mul(8)?)?;
        let (pfns, _) = pfns.as_chunks::<8>();
        let pfns = pfns.iter().copied().map(u64::from_le_bytes).collect();
        ranges.push(PageRange::new(len, offset, pfns).ok()?);
        rest = after;
    }
    rest.is_empty().then_some(ranges)
}

/// The GPADLs of a channel.
#[derive(Debug, Default)]
pub(super) struct Lent(BTreeMap<u32, Vec<PageRange>>);

impl Lent {
    /// Takes the ranges, if the number is free, there are not too many, and all pages are memory.
    pub(super) fn add(
        &mut self,
        memory: &dyn GuestMemory,
        gpadl: u32,
        ranges: Vec<PageRange>,
    ) -> Result<(), BadGpadl> {
        if self.0.contains_key(&gpadl) || self.0.len() >= GPADL_LIMIT {
            return Err(BadGpadl);
        }
        let new = pages(&ranges);
        let had = self.0.values().map(|ranges| pages(ranges)).sum::<usize>();
        if had.saturating_add(new) > PAGE_LIMIT {
            return Err(BadGpadl);
        }
        let pfns = ranges.iter().flat_map(|range| range.pfns());
        for pfn in pfns {
            let gpa = pfn.checked_mul(PAGE_BYTES).ok_or(BadGpadl)?;
            memory.read(gpa, &mut [0]).map_err(|_outside| BadGpadl)?;
        }
        self.0.insert(gpadl, ranges);
        Ok(())
    }

    pub(super) fn get(&self, gpadl: u32) -> Option<&[PageRange]> {
        self.0.get(&gpadl).map(Vec::as_slice)
    }

    /// Whether the number is taken.
    pub(super) fn has(&self, gpadl: u32) -> bool {
        self.0.contains_key(&gpadl)
    }

    pub(super) fn remove(&mut self, gpadl: u32) {
        self.0.remove(&gpadl);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

fn pages(ranges: &[PageRange]) -> usize {
    ranges.iter().map(|range| range.pfns().len()).sum()
}
