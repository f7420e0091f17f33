//! One record of a store, read forward: it may be much larger than what is wanted of it.

use crate::error::{Corruption, DatabaseError};

/// A record that comes in pieces, as its store keeps it.
pub(crate) trait Pieces {
    /// Replaces `piece` by the next one, of at most a page or 64 KiB; leaves it empty at the end.
    fn next(&mut self, piece: &mut Vec<u8>) -> Result<(), DatabaseError>;

    /// Leaves out up to `bytes`, in whole pieces, and says how many.
    fn skip(&mut self, bytes: u64) -> Result<u64, DatabaseError>;
}

/// A record and the place up to which it was read.
pub(crate) struct Record<'a> {
    pieces: &'a mut dyn Pieces,
    piece: Vec<u8>,
    /// How much of the piece was read.
    at: usize,
    /// How much of the record was read.
    position: u64,
    len: u64,
    /// Where the store found it, for errors.
    offset: u64,
}

impl<'a> Record<'a> {
    pub(crate) fn new(pieces: &'a mut dyn Pieces, len: u64, offset: u64) -> Self {
        Self {
            pieces,
            piece: Vec::new(),
            at: 0,
            position: 0,
            len,
            offset,
        }
    }

    pub(crate) fn len_bytes(&self) -> u64 {
        self.len
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The error of a rule that this record breaks.
    pub(crate) fn broken(&self, rule: Corruption) -> DatabaseError {
        DatabaseError::corrupt(self.offset, rule)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DatabaseError> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = self.byte()?;
        }
        Ok(bytes)
    }

    /// The bytes up to the next NUL, which is read too; `limit` of them at most, and then whether
    /// there are more.
    pub(crate) fn text(&mut self, limit: usize) -> Result<(String, bool), DatabaseError> {
        let mut bytes = Vec::new();
        loop {
            match self.byte()? {
                0 => return Ok((String::from_utf8_lossy(&bytes).into_owned(), false)),
                _ if bytes.len() >= limit => {
                    return Ok((String::from_utf8_lossy(&bytes).into_owned(), true));
                }
                byte => bytes.push(byte),
            }
        }
    }

    /// `len` bytes, which the caller knows to be few.
    pub(crate) fn bytes(&mut self, len: usize) -> Result<Vec<u8>, DatabaseError> {
        (0..len).map(|_| self.byte()).collect()
    }

    /// Goes forward to `position`.
    pub(crate) fn skip_to(&mut self, position: u64) -> Result<(), DatabaseError> {
        let mut wanted = position.saturating_sub(self.position);
        while wanted > 0 {
            let held = self.piece.len().saturating_sub(self.at);
            if held == 0 {
                let skipped = self.pieces.skip(wanted)?;
                self.position = self.position.saturating_add(skipped);
                wanted = wanted.saturating_sub(skipped);
                if skipped == 0 {
                    self.refill()?;
                }
                continue;
            }
            let count = held.min(usize::try_from(wanted).unwrap_or(usize::MAX));
            self.advance(count);
            wanted = position.saturating_sub(self.position);
        }
        Ok(())
    }

    /// What follows, as a record of `len` bytes of its own.
    pub(crate) fn rest(self, len: u64) -> Self {
        Self {
            position: 0,
            len,
            ..self
        }
    }

    fn byte(&mut self) -> Result<u8, DatabaseError> {
        if self.at >= self.piece.len() {
            self.refill()?;
        }
        let byte = self.piece.get(self.at).copied().unwrap_or(0);
        self.advance(1);
        Ok(byte)
    }

    fn advance(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
        let count = u64::try_from(count).unwrap_or(0);
        self.position = self.position.saturating_add(count);
    }

    /// The next piece, which is not empty.
    fn refill(&mut self) -> Result<(), DatabaseError> {
        self.at = 0;
        self.pieces.next(&mut self.piece)?;
        if self.piece.is_empty() {
            return Err(self.broken(Corruption::RecordEnds {
                found: self.position,
                wanted: self.len,
            }));
        }
        Ok(())
    }
}

/// A record that lies in memory.
pub(crate) struct Whole(pub(crate) Vec<u8>);

impl Pieces for Whole {
    fn next(&mut self, piece: &mut Vec<u8>) -> Result<(), DatabaseError> {
        *piece = std::mem::take(&mut self.0);
        Ok(())
    }

    fn skip(&mut self, _bytes: u64) -> Result<u64, DatabaseError> {
        Ok(0)
    }
}
