//! Lines of a text database, read in pieces.

use detente_block::BlockRead;

use crate::error::{DatabaseError, Limit};
use crate::limits::MAX_TEXT_BYTES;

const PIECE_BYTES: u64 = 64 * 1024;
/// As much of a line as is kept; nothing that is wanted is longer.
const LINE_BYTES: usize = 16 * 1024;

/// The lines of a file.
pub(crate) struct Lines<'a> {
    source: &'a dyn BlockRead,
    offset: u64,
    piece: Vec<u8>,
    at: usize,
    line: Vec<u8>,
    number: u64,
}

impl<'a> Lines<'a> {
    /// Refuses what is longer than [`MAX_TEXT_BYTES`].
    pub(crate) fn new(source: &'a dyn BlockRead) -> Result<Self, DatabaseError> {
        if source.len_bytes() > MAX_TEXT_BYTES {
            return Err(Limit::Text.into());
        }
        Ok(Self {
            source,
            offset: 0,
            piece: Vec::new(),
            at: 0,
            line: Vec::new(),
            number: 0,
        })
    }

    /// The next line without its end, cut at 16 KiB; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, DatabaseError> {
        self.line.clear();
        let mut any = false;
        loop {
            let rest = self.piece.get(self.at..).unwrap_or_default();
            if rest.is_empty() {
                if !self.refill()? {
                    break;
                }
                continue;
            }
            any = true;
            let end = rest.iter().position(|&byte| byte == b'\n');
            let text = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let room = LINE_BYTES.saturating_sub(self.line.len());
            self.line
                .extend_from_slice(text.get(..room.min(text.len())).unwrap_or_default());
            self.at = self.at.saturating_add(text.len());
            if end.is_some() {
                self.at = self.at.saturating_add(1);
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        Ok(Some(&self.line))
    }

    /// The number of the line that was last given, counted from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    fn refill(&mut self) -> Result<bool, DatabaseError> {
        let left = self.source.len_bytes().saturating_sub(self.offset);
        let len = left.min(PIECE_BYTES);
        self.at = 0;
        self.piece.resize(usize::try_from(len).unwrap_or(0), 0);
        self.source.read_exact_at(self.offset, &mut self.piece)?;
        self.offset = self.offset.saturating_add(len);
        Ok(len > 0)
    }
}

#[cfg(test)]
mod tests {
    use detente_block::MemoryBackend;

    use super::*;

    #[test]
    fn lines_go_over_pieces_and_long_ones_are_cut() {
        let long = "x".repeat(100_000);
        let text = format!("a\n\n{long}\nlast");
        let source = MemoryBackend::new(text.into_bytes());
        let mut lines = Lines::new(&source).unwrap();
        let mut seen = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            seen.push(line.len());
        }
        assert_eq!(seen, [1, 0, LINE_BYTES, 4]);
        assert_eq!(lines.number(), 4);
    }
}
