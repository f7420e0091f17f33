//! The source's extents, joined, in the order of the guest's view.

use detente_block::{BlockRead, ReadError};
use detente_disk::{FileIndex, MapExtent, Mapped, Place, Stack};

use crate::losses::Losses;

/// No stretch of data is longer: between two stretches tables are written and the caller is asked.
const MAX_DATA: u64 = 1 << 30;
/// What is given up first where a map cannot be read.
const UNMAPPED: u64 = 4 << 10;

/// And at most: 1 GiB.
const MAX_STEP_BITS: u32 = 30;

/// A stretch of the guest's view that is to be treated alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) offset: u64,
    /// Never 0.
    pub(crate) len: u64,
    pub(crate) what: What,
}

/// What a stretch holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The bytes of a file from an offset on.
    File(FileIndex, u64),
    /// What only the image's reader yields.
    Read,
    /// Nothing.
    Zero,
}

impl Stretch {
    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(self.len)
    }

    /// Whether `next` goes on where this ends, and alike.
    fn is_continued_by(&self, next: &Self) -> bool {
        match (self.what, next.what) {
            (What::Zero, What::Zero) => true,
            (What::Read, What::Read) => self.len < MAX_DATA,
            (What::File(file, from), What::File(next_file, next_from)) => {
                file == next_file
                    && from.checked_add(self.len) == Some(next_from)
                    && self.len < MAX_DATA
            }
            (What::Zero | What::Read | What::File(..), _) => false,
        }
    }
}

/// Walks over a stack.
pub(crate) struct Walk<'a> {
    stack: &'a Stack,
    losses: &'a Losses,
    next: u64,
    end: u64,
    pending: Option<Stretch>,
    /// Where the last stretch that could not be mapped ends, and why it could not.
    fault: Option<(u64, String)>,
}

impl<'a> Walk<'a> {
    /// Walks over the first `len` bytes; what the stack does not have of them is nothing.
    pub(crate) fn new(stack: &'a Stack, losses: &'a Losses, len: u64) -> Self {
        Self::between(stack, losses, 0, len)
    }

    /// The same from `start` to `end`.
    pub(crate) fn between(stack: &'a Stack, losses: &'a Losses, start: u64, end: u64) -> Self {
        Self {
            stack,
            losses,
            next: start,
            end,
            pending: None,
            fault: None,
        }
    }

    /// How many bytes there are to be moved.
    pub(crate) fn data_bytes(self) -> Result<u64, ReadError> {
        let mut total: u64 = 0;
        for stretch in self {
            let stretch = stretch?;
            if stretch.what != What::Zero {
                total = total.saturating_add(stretch.len);
            }
        }
        Ok(total)
    }

    /// What lies at `next`, which is not the end.
    fn look(&mut self) -> Result<Stretch, ReadError> {
        let rest = self.end.saturating_sub(self.next);
        let offset = self.next;
        let nothing = |len| Stretch {
            offset,
            len,
            what: What::Zero,
        };
        if self.next >= self.stack.len_bytes() {
            return Ok(nothing(rest));
        }
        match self.stack.map_extent(self.next, rest) {
            Ok(extent) => Ok(Stretch {
                offset: self.next,
                len: extent.len.min(rest).max(1),
                what: self.what(&extent),
            }),
            Err(error) => {
                let len = self.give_up(&error).min(rest);
                self.losses.lose(offset, len, error)?;
                Ok(nothing(len))
            }
        }
    }

    /// How much is to be given up at `next`. While the same fault goes on (a table that cannot be
    /// read), the steps grow, but none past what a table or cluster could cover that starts here:
    /// those start at multiples of their length. So what has a sound entry is not lost, and a wide
    /// fault costs few steps.
    fn give_up(&mut self, error: &ReadError) -> u64 {
        let why = error.to_string();
        let goes_on = self.fault.take() == Some((self.next, why.clone()));
        let aligned = 1 << self.next.trailing_zeros().min(MAX_STEP_BITS);
        let len = if goes_on && aligned > UNMAPPED {
            aligned
        } else {
            UNMAPPED - self.next % UNMAPPED
        };
        self.fault = Some((self.next.saturating_add(len), why));
        len
    }

    fn what(&self, extent: &MapExtent) -> What {
        match extent.place {
            Place::File { file, offset } => {
                let known = self.stack.files().get(file.0).map(|file| &file.reader);
                let end = offset.checked_add(extent.len);
                // What goes past the end of its file is for the reader, which says so.
                match (known, end) {
                    (Some(reader), Some(end)) if end <= reader.len_bytes() => {
                        What::File(file, offset)
                    }
                    (Some(_) | None, _) => What::Read,
                }
            }
            Place::Compressed { .. } => What::Read,
            Place::Zero { .. } | Place::Unallocated => What::Zero,
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Stretch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.next < self.end {
            let found = match self.look() {
                Ok(found) => found,
                Err(error) => {
                    self.next = self.end;
                    self.pending = None;
                    return Some(Err(error));
                }
            };
            self.next = found.end();
            match &mut self.pending {
                None => self.pending = Some(found),
                Some(pending) if pending.is_continued_by(&found) => {
                    pending.len = pending.len.saturating_add(found.len);
                }
                Some(pending) => return Some(Ok(std::mem::replace(pending, found))),
            }
        }
        self.pending.take().map(Ok)
    }
}
