//! What could not be read.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use detente_block::{BlockRead, ReadError, with_causes};

use crate::OnUnreadable;

/// How many ranges are listed; the bytes of more are counted only.
pub const MAX_LOST_RANGES: usize = 10_000;
/// What is given up at a time.
const PIECE: u64 = 4096;

/// A range of the guest's view that could not be read, and became zeroes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostRange {
    /// Where it starts.
    pub offset: u64,
    /// How long it is.
    pub len: u64,
    /// Why it could not be read; of neighbours, why the first could not.
    pub why: String,
}

/// Reads what can be read, and notes the rest if that is wanted.
pub(crate) struct Losses {
    mode: OnUnreadable,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    ranges: BTreeMap<u64, (u64, String)>,
    bytes: u64,
}

impl Losses {
    pub(crate) fn new(mode: OnUnreadable) -> Self {
        Self {
            mode,
            noted: Mutex::default(),
        }
    }

    /// Fills `buf` from `offset`; what cannot be read becomes zeroes, if that is wanted.
    pub(crate) fn fill(
        &self,
        disk: &dyn BlockRead,
        offset: u64,
        buf: &mut [u8],
    ) -> Result<(), ReadError> {
        match (disk.read_exact_at(offset, buf), self.mode) {
            (Ok(()), _) => Ok(()),
            (Err(error), OnUnreadable::Fail) => Err(error),
            (Err(_), OnUnreadable::Zero) => {
                self.fill_in_pieces(disk, offset, buf);
                Ok(())
            }
        }
    }

    fn fill_in_pieces(&self, disk: &dyn BlockRead, offset: u64, buf: &mut [u8]) {
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let len = usize::try_from(PIECE - at % PIECE).map_or(rest.len(), |n| n.min(rest.len()));
            let (part, after) = std::mem::take(&mut rest).split_at_mut(len);
            if let Err(error) = disk.read_exact_at(at, part) {
                part.fill(0);
                self.note(at, len as u64, &error);
            }
            at = at.saturating_add(len as u64);
            rest = after;
        }
    }

    /// Where the range ends that is known to be lost at `offset`.
    pub(crate) fn lost_until(&self, offset: u64) -> Option<u64> {
        let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, (len, _)) = noted.ranges.range(..=offset).next_back()?;
        let end = start.saturating_add(*len);
        (end > offset).then_some(end)
    }

    /// Notes a range, or hands the error back if none may be lost.
    pub(crate) fn lose(&self, offset: u64, len: u64, error: ReadError) -> Result<(), ReadError> {
        match self.mode {
            OnUnreadable::Fail => Err(error),
            OnUnreadable::Zero => {
                self.note(offset, len, &error);
                Ok(())
            }
        }
    }

    fn note(&self, offset: u64, len: u64, error: &ReadError) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        // A second look, as of the verification, is no second loss.
        let before = noted.ranges.range_mut(..=offset).next_back();
        if let Some((start, (known, _))) = before {
            let end = start.saturating_add(*known);
            if offset.saturating_add(len) <= end {
                return;
            }
            if end == offset {
                *known = known.saturating_add(len);
                noted.bytes = noted.bytes.saturating_add(len);
                return;
            }
        }
        noted.bytes = noted.bytes.saturating_add(len);
        if noted.ranges.len() < MAX_LOST_RANGES {
            noted.ranges.insert(offset, (len, with_causes(error)));
        }
    }

    /// The ranges in order, and how many bytes were lost in all.
    pub(crate) fn list(&self) -> (Vec<LostRange>, u64) {
        let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<LostRange> = Vec::new();
        for (offset, (len, why)) in &noted.ranges {
            match list.last_mut() {
                Some(last) if last.offset.saturating_add(last.len) == *offset => {
                    last.len = last.len.saturating_add(*len);
                }
                Some(_) | None => list.push(LostRange {
                    offset: *offset,
                    len: *len,
                    why: why.clone(),
                }),
            }
        }
        (list, noted.bytes)
    }
}
