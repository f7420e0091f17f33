//! Where a ring's bytes are.

use super::control::Control;
use super::error::RingError;
use crate::memory::{GuestMemory, OutsideMemory, PAGE_BYTES};
use crate::pages::PageRange;

/// One ring: its control page and its data.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) control: Control,
    pages: Vec<Page>,
    bytes: u32,
}

/// A page of data.
#[derive(Debug, Clone, Copy)]
struct Page {
    gpa: u64,
    /// How many bytes from its start on lie in a row in memory, up to the ring's end.
    run: u64,
}

impl Ring {
    /// The guest-to-host ring and the host-to-guest ring in a range.
    pub(super) fn pair(
        range: &PageRange,
        host_to_guest_page: u32,
    ) -> Result<(Self, Self), RingError> {
        let (len, offset) = (range.len_bytes(), range.offset());
        if offset != 0 {
            return Err(RingError::NotAtPage { offset });
        }
        if u64::from(len) % PAGE_BYTES != 0 {
            return Err(RingError::NotWholePages { len });
        }
        let pages = u32::try_from(range.pfns().len()).unwrap_or(u32::MAX);
        let too_few = RingError::TooFewPages {
            pages,
            host_to_guest_page,
        };
        let middle = usize::try_from(host_to_guest_page).map_err(|_| too_few)?;
        let (first, second) = range.pfns().split_at_checked(middle).ok_or(too_few)?;
        let ring = |pfns| Self::new(pfns).ok_or(too_few);
        Ok((ring(first)?, ring(second)?))
    }

    /// `None` when there are not two pages.
    fn new(pfns: &[u64]) -> Option<Self> {
        let (control, data) = pfns.split_first()?;
        if data.is_empty() {
            return None;
        }
        let count = u64::try_from(data.len()).ok()?;
        let bytes = u32::try_from(count.checked_mul(PAGE_BYTES)?).ok()?;
        let gpa = |pfn: &u64| pfn.checked_mul(PAGE_BYTES);
        let mut pages = data
            .iter()
            .map(|pfn| {
                let (gpa, run) = (gpa(pfn)?, PAGE_BYTES);
                Some(Page { gpa, run })
            })
            .collect::<Option<Vec<Page>>>()?;
        let mut next: Option<Page> = None;
        for page in pages.iter_mut().rev() {
            if let Some(next) = next
                && page.gpa.checked_add(PAGE_BYTES) == Some(next.gpa)
            {
                page.run = page.run.checked_add(next.run)?;
            }
            next = Some(*page);
        }
        let control = Control::new(gpa(control)?, bytes);
        Some(Self {
            control,
            pages,
            bytes,
        })
    }

    /// How many bytes of data it has.
    pub(super) fn bytes(&self) -> u32 {
        self.bytes
    }

    /// How many bytes lie between two indices, going forward.
    pub(super) fn distance(&self, from: u32, to: u32) -> u32 {
        // Indices are below `bytes`.
        match to.checked_sub(from) {
            Some(distance) => distance,
            None => to.wrapping_sub(from).wrapping_add(self.bytes),
        }
    }

    /// The index so many bytes further on, at most once around.
    pub(super) fn advance(&self, index: u32, by: u32) -> u32 {
        let left = self.bytes.saturating_sub(index);
        match by.checked_sub(left) {
            Some(wrapped) => wrapped,
            None => index.saturating_add(by),
        }
    }

    /// Copies out of the data, around its end.
    pub(super) fn copy_out(
        &self,
        memory: &dyn GuestMemory,
        index: u32,
        buf: &mut [u8],
    ) -> Result<(), OutsideMemory> {
        let mut rest = buf;
        self.each_run(index, rest.len(), |gpa, len| {
            let (piece, left) = std::mem::take(&mut rest).split_at_mut(len);
            rest = left;
            memory.read(gpa, piece)
        })
    }

    /// Copies into the data, around its end.
    pub(super) fn copy_in(
        &self,
        memory: &dyn GuestMemory,
        index: u32,
        bytes: &[u8],
    ) -> Result<(), OutsideMemory> {
        let mut rest = bytes;
        self.each_run(index, rest.len(), |gpa, len| {
            let (piece, left) = rest.split_at(len);
            rest = left;
            memory.write(gpa, piece)
        })
    }

    /// Goes over the pieces that lie in a row in memory. Callers ask for no more than the ring has.
    fn each_run(
        &self,
        index: u32,
        len: usize,
        mut visit: impl FnMut(u64, usize) -> Result<(), OutsideMemory>,
    ) -> Result<(), OutsideMemory> {
        let mut position = u64::from(index);
        let mut left = u64::try_from(len).unwrap_or(u64::MAX);
        while left > 0 {
            let within = position % PAGE_BYTES;
            let page = usize::try_from(position / PAGE_BYTES)
                .ok()
                .and_then(|page| self.pages.get(page))
                .expect("positions stay below the ring's end");
            let piece = left.min(page.run.saturating_sub(within));
            let gpa = page.gpa.saturating_add(within);
            visit(gpa, usize::try_from(piece).unwrap_or(usize::MAX))?;
            left = left.saturating_sub(piece);
            position = position.saturating_add(piece);
            if position >= u64::from(self.bytes) {
                position = 0;
            }
        }
        Ok(())
    }
}
