//! WRITE SAME: one block, many times.

use super::command::{Blocks, SameSource};
use super::outcome::Outcome;
use super::sense::Sense;
use super::transfer::fitting;
use super::unit::Job;

/// How many bytes one command may write: it has to end in a time that no guest takes for a hang.
pub(super) const LIMIT_BYTES: u32 = 8 << 20;

impl Job<'_> {
    pub(super) fn write_same(
        &mut self,
        blocks: Blocks,
        source: SameSource,
    ) -> Result<u32, Outcome> {
        self.may_write()?;
        let (offset, len) = self.span(blocks)?;
        // No blocks would mean all up to the end; we say in page B0 that we do not do that.
        if len == 0 || len > u64::from(LIMIT_BYTES) {
            return Err(Sense::InvalidField.into());
        }
        let moved = match source {
            SameSource::Zero => 0,
            SameSource::Guest => {
                let sector = fitting(u64::from(self.unit.sector.bytes()), self.buffer.given())?;
                self.take(sector)?;
                sector
            }
        };
        let written = if moved == 0 || self.scratch.iter().all(|byte| *byte == 0) {
            self.unit.disk.zero_at(offset, len)
        } else {
            self.repeat(offset, len)
        };
        written.map_err(|error| self.write_failed(&error))?;
        Ok(moved)
    }

    /// Writes the block in the scratch until `len` bytes are full of it.
    fn repeat(&mut self, offset: u64, len: u64) -> Result<(), detente_block::WriteError> {
        let piece = u64::from(super::MAX_TRANSFER_BYTES).min(len);
        let block = self.scratch.clone();
        let pieces = usize::try_from(piece).unwrap_or(block.len());
        self.scratch.clear();
        while self.scratch.len() < pieces {
            self.scratch.extend_from_slice(&block);
        }
        let (mut at, mut left) = (offset, len);
        while left > 0 {
            let now = usize::try_from(left).map_or(pieces, |left| left.min(pieces));
            let bytes = self.scratch.get(..now).unwrap_or(self.scratch);
            self.unit.disk.write_all_at(at, bytes)?;
            at = at.saturating_add(piece);
            left = left.saturating_sub(piece);
        }
        Ok(())
    }
}
