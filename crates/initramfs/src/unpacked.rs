//! Unpacked bytes, counted against the limits.

use std::io::{self, BufRead};

use crate::field::len_u64;
use crate::{Limit, Limits, Rule};

/// Why a walk through one segment stopped, before it is known where that lies in the file.
#[derive(Debug)]
pub(crate) enum ArchiveError {
    /// Reading failed: the storage or the decoder.
    Read(io::Error),
    /// A rule of cpio is broken at this position of the stream.
    Corrupt { offset: u64, rule: Rule },
    /// A limit was met at this position of the stream.
    Limit { offset: u64, limit: Limit },
    /// The stream asks for more memory than a decoder may use.
    DecoderMemory,
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// What all segments together have used of the limits.
pub(crate) struct Budget {
    limits: Limits,
    unpacked_bytes: u64,
    entries: u64,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            unpacked_bytes: 0,
            entries: 0,
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    fn spend_bytes(&mut self, bytes: u64) -> Result<(), Limit> {
        self.unpacked_bytes = self.unpacked_bytes.saturating_add(bytes);
        let limit = self.limits.unpacked_bytes;
        if self.unpacked_bytes > limit {
            Err(Limit::UnpackedBytes(limit))
        } else {
            Ok(())
        }
    }

    fn spend_entry(&mut self) -> Result<(), Limit> {
        self.entries = self.entries.saturating_add(1);
        let limit = self.limits.entries;
        if self.entries > limit {
            Err(Limit::Entries(limit))
        } else {
            Ok(())
        }
    }
}

/// The unpacked bytes of one segment.
pub(crate) struct Unpacked<'s> {
    inner: &'s mut dyn BufRead,
    position: u64,
    budget: &'s mut Budget,
}

impl<'s> Unpacked<'s> {
    /// Starts where `inner` stands; `position` is what that place is called in errors, and what
    /// the archive's alignment counts from.
    pub(crate) fn new(inner: &'s mut dyn BufRead, position: u64, budget: &'s mut Budget) -> Self {
        Self {
            inner,
            position,
            budget,
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn limits(&self) -> &Limits {
        self.budget.limits()
    }

    pub(crate) fn corrupt(&self, rule: Rule) -> ArchiveError {
        ArchiveError::Corrupt {
            offset: self.position,
            rule,
        }
    }

    pub(crate) fn limit(&self, limit: Limit) -> ArchiveError {
        ArchiveError::Limit {
            offset: self.position,
            limit,
        }
    }

    pub(crate) fn count_entry(&mut self) -> Result<(), ArchiveError> {
        self.budget.spend_entry().map_err(|limit| self.limit(limit))
    }

    /// What is there without reading further ahead; empty at the end only.
    pub(crate) fn fill(&mut self) -> Result<&[u8], ArchiveError> {
        Ok(self.inner.fill_buf()?)
    }

    pub(crate) fn consume(&mut self, amount: usize) -> Result<(), ArchiveError> {
        self.inner.consume(amount);
        let bytes = len_u64(amount);
        self.position = self.position.saturating_add(bytes);
        self.budget
            .spend_bytes(bytes)
            .map_err(|limit| self.limit(limit))
    }

    /// Hands at most `most` bytes to `take` and consumes them; 0 at the end.
    pub(crate) fn step(
        &mut self,
        most: usize,
        take: impl FnOnce(&[u8]),
    ) -> Result<usize, ArchiveError> {
        let there = self.fill()?;
        let part = there.get(..most).unwrap_or(there);
        let length = part.len();
        take(part);
        self.consume(length)?;
        Ok(length)
    }

    /// Reads `count` bytes that belong to `part`. The caller has checked `count`.
    pub(crate) fn read(
        &mut self,
        count: usize,
        part: &'static str,
    ) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = Vec::with_capacity(count.min(64 << 10));
        while bytes.len() < count {
            let missing = count.saturating_sub(bytes.len());
            if self.step(missing, |part| bytes.extend_from_slice(part))? == 0 {
                return Err(self.corrupt(Rule::Truncated { part }));
            }
        }
        Ok(bytes)
    }

    /// Passes over zero bytes, and says what comes then.
    pub(crate) fn skip_zeros(&mut self) -> Result<Option<u8>, ArchiveError> {
        loop {
            let there = self.fill()?;
            let next = there.iter().position(|&byte| byte != 0);
            let found = next.and_then(|at| there.get(at).copied());
            let count = next.unwrap_or(there.len());
            let done = found.is_some() || there.is_empty();
            self.consume(count)?;
            if done {
                return Ok(found);
            }
        }
    }

    /// Goes to the next multiple of four, or to the end if that comes first.
    pub(crate) fn align(&mut self) -> Result<(), ArchiveError> {
        while !self.position.is_multiple_of(4) && self.step(1, |_| ())? > 0 {}
        Ok(())
    }
}
