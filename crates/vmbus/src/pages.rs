//! A range of bytes that the guest has spread over pages of its memory.

use crate::memory::{GuestMemory, OutsideMemory, PAGE_BYTES};

/// Bytes in the guest's memory: a length, an offset in the first page, and the pages.
///
/// What GPADLs and GPA direct packets describe. That the pages hold `len` bytes is checked once,
/// in [`PageRange::new`]; that they are memory, at each access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRange {
    len: u32,
    offset: u32,
    pfns: Vec<u64>,
}

/// Why pages do not make a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// The first byte is not in the first page.
    #[error("the offset {offset} is not in the first page")]
    OffsetBeyondPage {
        /// The offset.
        offset: u32,
    },
    /// The pages end before the bytes do.
    #[error("{len} bytes at offset {offset} do not fit into {pages} pages")]
    TooFewPages {
        /// How many bytes.
        len: u32,
        /// Where in the first page.
        offset: u32,
        /// How many pages there are.
        pages: usize,
    },
    /// A page frame number is beyond what an address can name.
    #[error("page frame {pfn:#x} is beyond the address space")]
    PageBeyondAddresses {
        /// The number.
        pfn: u64,
    },
}

/// Why bytes of a range could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// They are not in the range.
    #[error("{len} bytes at {at} go past the end of a range of {range} bytes")]
    PastEnd {
        /// Where they start.
        at: u64,
        /// How many.
        len: u64,
        /// How long the range is.
        range: u32,
    },
    /// A page is not memory.
    #[error(transparent)]
    Memory(#[from] OutsideMemory),
}

/// Page frame numbers at or above this make no 64-bit address.
const PFN_LIMIT: u64 = 1 << 52;

impl PageRange {
    /// The range of `len` bytes that starts `offset` bytes into the first of the pages.
    ///
    /// # Errors
    /// [`RangeError`]. Pages beyond those that the bytes need are ignored.
    pub fn new(len: u32, offset: u32, mut pfns: Vec<u64>) -> Result<Self, RangeError> {
        if u64::from(offset) >= PAGE_BYTES {
            return Err(RangeError::OffsetBeyondPage { offset });
        }
        if let Some(&pfn) = pfns.iter().find(|pfn| **pfn >= PFN_LIMIT) {
            return Err(RangeError::PageBeyondAddresses { pfn });
        }
        let pages = pfns.len();
        let needed = u64::from(offset)
            .saturating_add(u64::from(len))
            .div_ceil(PAGE_BYTES);
        let needed = usize::try_from(needed).unwrap_or(usize::MAX);
        if pages < needed {
            return Err(RangeError::TooFewPages { len, offset, pages });
        }
        pfns.truncate(needed);
        Ok(Self { len, offset, pfns })
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len_bytes(&self) -> u32 {
        self.len
    }

    /// Where the first byte is in its page.
    #[must_use]
    pub fn offset(&self) -> u32 {
        self.offset
    }

    /// The pages, in order.
    #[must_use]
    pub fn pfns(&self) -> &[u64] {
        &self.pfns
    }

    /// Copies bytes out.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn read(
        &self,
        memory: &dyn GuestMemory,
        at: u64,
        buf: &mut [u8],
    ) -> Result<(), AccessError> {
        let mut rest = buf;
        self.each_run(at, rest.len(), |gpa, len| {
            let (piece, left) = std::mem::take(&mut rest).split_at_mut(len);
            rest = left;
            memory.read(gpa, piece)
        })
    }

    /// Copies bytes in.
    ///
    /// # Errors
    /// [`AccessError`]; a part may have been written.
    pub fn write(
        &self,
        memory: &dyn GuestMemory,
        at: u64,
        bytes: &[u8],
    ) -> Result<(), AccessError> {
        let mut rest = bytes;
        self.each_run(at, rest.len(), |gpa, len| {
            let (piece, left) = rest.split_at(len);
            rest = left;
            memory.write(gpa, piece)
        })
    }

    /// Goes over the pieces of `len` bytes at `at`: as long as pages lie in a row, they are one.
    fn each_run(
        &self,
        at: u64,
        len: usize,
        mut visit: impl FnMut(u64, usize) -> Result<(), OutsideMemory>,
    ) -> Result<(), AccessError> {
        let mut left = u64::try_from(len).unwrap_or(u64::MAX);
        let past_end = AccessError::PastEnd {
            at,
            len: left,
            range: self.len,
        };
        let end = at.checked_add(left).ok_or(past_end)?;
        if end > u64::from(self.len) {
            return Err(past_end);
        }
        // Nothing below can overflow: the range ends below 4 GiB and page frames below 2^52.
        let mut position = at.saturating_add(u64::from(self.offset));
        while left > 0 {
            let in_page = position % PAGE_BYTES;
            let page = usize::try_from(position / PAGE_BYTES).map_err(|_| past_end)?;
            let pfns = self.pfns.get(page..).unwrap_or_default();
            let pfn = pfns.first().ok_or(past_end)?;
            let wanted = in_page.saturating_add(left).div_ceil(PAGE_BYTES);
            let run = in_a_row(pfns, wanted).saturating_mul(PAGE_BYTES);
            let piece = left.min(run.saturating_sub(in_page));
            let gpa = pfn.saturating_mul(PAGE_BYTES).saturating_add(in_page);
            visit(gpa, usize::try_from(piece).map_err(|_| past_end)?)?;
            position = position.saturating_add(piece);
            left = left.saturating_sub(piece);
        }
        Ok(())
    }
}

/// How many pages from the first on lie in a row in memory, of as many as are wanted.
fn in_a_row(pfns: &[u64], wanted: u64) -> u64 {
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    let next = |pair: &&[u64]| matches!(pair, [one, two] if one.checked_add(1) == Some(*two));
    let pages = pfns.windows(2).take(wanted.saturating_sub(1));
    let further = pages.take_while(next).count();
    u64::try_from(further).unwrap_or(u64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests;
