//! Where bytes of the log stand: it is read again when they are wanted, instead of being held.

use detente_block::ReadError;

use super::record::{self, WORDS};
use super::ring::SECTOR;
use crate::fields::array;
use crate::pages::Pages;

/// Where the ring is on the volume.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Layout {
    /// The byte where it starts.
    pub(super) start: u64,
    pub(super) sectors: u64,
}

/// Bytes in the data of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The sector of the record.
    pub(super) record: u32,
    /// Where in its data.
    pub(super) offset: u32,
    pub(super) len: u32,
    /// They go on where the span before ended: the end of a record cut them.
    pub(super) is_more: bool,
}

/// Where a few bytes stand, which are wanted as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// In the data of the record at a sector.
    Record { at: u32, offset: u32 },
    /// Among those that were cut, and put together.
    Kept(u32),
}

/// How long a region is.
pub(super) fn len_of(region: &[Span]) -> usize {
    region.iter().fold(0, |sum: usize, span| {
        sum.saturating_add(usize::try_from(span.len).unwrap_or(0))
    })
}

/// `len` bytes of `region` from byte `at` on, where no record ends in between.
pub(super) fn whole(region: &[Span], at: usize, len: usize) -> Option<Source> {
    let mut at = u32::try_from(at).ok()?;
    let len = u32::try_from(len).ok()?;
    for span in region {
        if let Some(within) = at.checked_sub(span.len) {
            at = within;
            continue;
        }
        let fits = at.checked_add(len).is_some_and(|end| end <= span.len);
        return fits.then_some(Source::Record {
            at: span.record,
            offset: span.offset.checked_add(at)?,
        });
    }
    None
}

impl Layout {
    /// Fills `buf` with what stands in `region` from byte `at` on; zeros where it is shorter.
    pub(super) fn gather(
        &self,
        pages: &Pages,
        region: &[Span],
        at: usize,
        buf: &mut [u8],
    ) -> Result<(), ReadError> {
        buf.fill(0);
        let (mut skip, mut rest) = (at, buf);
        for span in region {
            let len = usize::try_from(span.len).unwrap_or(0);
            let Some(left) = len.checked_sub(skip).filter(|&left| left > 0) else {
                skip = skip.saturating_sub(len);
                continue;
            };
            let (now, later) = rest.split_at_mut(left.min(rest.len()));
            let within = u32::try_from(skip).unwrap_or(u32::MAX);
            let offset = span.offset.saturating_add(within);
            self.fetch(pages, span.record, offset, now)?;
            (skip, rest) = (0, later);
        }
        Ok(())
    }

    /// Fills `buf` from byte `offset` of the data of the record at sector `at`. The cycles that
    /// took the place of words make way for them.
    pub(super) fn fetch(
        &self,
        pages: &Pages,
        at: u32,
        offset: u32,
        buf: &mut [u8],
    ) -> Result<(), ReadError> {
        let (at, mut offset) = (u64::from(at), u64::from(offset));
        let mut first = [0; 512];
        self.read(pages, at, 0, &mut first)?;
        let headers = record::header_sectors(&first);
        let mut rest = buf;
        while !rest.is_empty() {
            let (sector, within) = (offset / SECTOR, offset % SECTOR);
            let room = usize::try_from(SECTOR.saturating_sub(within)).unwrap_or(0);
            let (now, later) = rest.split_at_mut(room.min(rest.len()));
            let place = at.saturating_add(headers).saturating_add(sector);
            self.read(pages, place, within, now)?;
            if within < 4 {
                let word = self.word(pages, at, &first, sector)?;
                let skip = usize::try_from(within).unwrap_or(0);
                for (byte, own) in now.iter_mut().zip(word.iter().skip(skip)) {
                    *byte = *own;
                }
            }
            offset = offset.saturating_add(u64::try_from(now.len()).unwrap_or(u64::MAX));
            rest = later;
        }
        Ok(())
    }

    /// The first word of a sector of data, from the headers.
    fn word(
        &self,
        pages: &Pages,
        at: u64,
        first: &[u8],
        sector: u64,
    ) -> Result<[u8; 4], ReadError> {
        let index = usize::try_from(sector).unwrap_or(usize::MAX);
        let (header, within) = record::word_place(index);
        if header == 0 {
            return Ok(array(first, within).unwrap_or_default());
        }
        let mut word = [0; 4];
        let place = at.saturating_add(sector / WORDS);
        let within = u64::try_from(within).unwrap_or(0);
        self.read(pages, place, within, &mut word)?;
        Ok(word)
    }

    /// Reads inside one sector of the ring.
    fn read(
        &self,
        pages: &Pages,
        sector: u64,
        within: u64,
        buf: &mut [u8],
    ) -> Result<(), ReadError> {
        let sector = sector.checked_rem(self.sectors).unwrap_or(0);
        let offset = sector.saturating_mul(SECTOR).saturating_add(within);
        pages.read(self.start.saturating_add(offset), buf)
    }
}
