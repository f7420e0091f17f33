//! What a row holds: the part in its leaf, then a chain of overflow pages. \[SQLite\] 1.7.

use super::pager::Pager;
use super::tree::Cell;
use crate::error::DatabaseError;
use crate::fields::be32;
use crate::record::Pieces;

/// Bytes of the number of the next page.
const POINTER_BYTES: u32 = 4;

/// A payload, read forward.
pub(super) struct Payload<'p, 'a> {
    pager: &'p mut Pager<'a>,
    local: Vec<u8>,
    /// The next overflow page, or 0.
    next: u32,
    /// How many bytes overflow pages still hold.
    left: u64,
    /// How long all of it is.
    len: u64,
    offset: u64,
}

impl<'p, 'a> Payload<'p, 'a> {
    pub(super) fn new(pager: &'p mut Pager<'a>, cell: Cell) -> Self {
        let local = u64::try_from(cell.local.len()).unwrap_or(u64::MAX);
        Self {
            pager,
            left: cell.len.saturating_sub(local),
            local: cell.local,
            next: cell.overflow,
            len: cell.len,
            offset: cell.offset,
        }
    }

    pub(super) fn len_bytes(&self) -> u64 {
        self.len
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes of the payload in one overflow page.
    fn room(&self) -> u64 {
        u64::from(self.pager.usable().saturating_sub(POINTER_BYTES))
    }

    /// The page that comes next, marked, and the one after it; `None` at the end.
    fn step(&mut self) -> Result<Option<u32>, DatabaseError> {
        if self.left == 0 || self.next == 0 {
            return Ok(None);
        }
        let page = self.next;
        self.pager.mark(page, self.offset)?;
        let mut pointer = [0; 4];
        self.pager.read(page, 0, &mut pointer)?;
        self.next = be32(&pointer, 0).unwrap_or(0);
        Ok(Some(page))
    }
}

impl Pieces for Payload<'_, '_> {
    fn next(&mut self, piece: &mut Vec<u8>) -> Result<(), DatabaseError> {
        if !self.local.is_empty() {
            *piece = std::mem::take(&mut self.local);
            return Ok(());
        }
        piece.clear();
        if let Some(page) = self.step()? {
            let count = self.room().min(self.left);
            piece.resize(usize::try_from(count).unwrap_or(0), 0);
            self.pager.read(page, POINTER_BYTES, piece)?;
            self.left = self.left.saturating_sub(count);
        }
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> Result<u64, DatabaseError> {
        let mut skipped = 0_u64;
        if !self.local.is_empty() {
            return Ok(0);
        }
        while bytes.saturating_sub(skipped) >= self.room() && self.left >= self.room() {
            if self.step()?.is_none() {
                break;
            }
            skipped = skipped.saturating_add(self.room());
            self.left = self.left.saturating_sub(self.room());
        }
        Ok(skipped)
    }
}
