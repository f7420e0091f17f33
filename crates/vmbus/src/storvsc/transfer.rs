//! READ, WRITE and SYNCHRONIZE CACHE.

use super::command::Blocks;
use super::fault::Failure;
use super::medium::Access;
use super::outcome::Outcome;
use super::sense::Sense;
use super::unit::Job;
use detente_block::{ReadError, WriteError};

impl Job<'_> {
    pub(super) fn read(&mut self, blocks: Blocks) -> Result<u32, Outcome> {
        let (offset, len) = self.span(blocks)?;
        let len = fitting(len, self.buffer.room())?;
        self.resize_scratch(len);
        match self.unit.disk.read_exact_at(offset, self.scratch) {
            Ok(()) => self.buffer.put(self.scratch)?,
            Err(error) => return Err(self.read_failed(&error)),
        }
        Ok(len)
    }

    pub(super) fn write(&mut self, blocks: Blocks, force: bool) -> Result<u32, Outcome> {
        self.may_write()?;
        let (offset, len) = self.span(blocks)?;
        let len = fitting(len, self.buffer.given())?;
        self.take(len)?;
        let written = self.unit.disk.write_all_at(offset, self.scratch);
        written.map_err(|error| self.write_failed(&error))?;
        if force {
            self.flush()?;
        }
        Ok(len)
    }

    /// Everything is flushed, whatever blocks are named.
    pub(super) fn synchronize(&mut self, blocks: Blocks) -> Result<u32, Outcome> {
        self.span(blocks)?;
        if self.unit.access == Access::ReadWrite {
            self.flush()?;
        }
        Ok(0)
    }

    pub(super) fn flush(&mut self) -> Result<(), Outcome> {
        let flushed = self.unit.disk.flush();
        flushed.map_err(|error| self.write_failed(&error))
    }

    pub(super) fn may_write(&self) -> Result<(), Outcome> {
        match self.unit.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(Sense::WriteProtected.into()),
        }
    }

    /// Offset and length of blocks that are on the disk, in bytes.
    pub(super) fn span(&self, blocks: Blocks) -> Result<(u64, u64), Outcome> {
        let end = blocks.first.checked_add(u64::from(blocks.count));
        if end.is_none_or(|end| end > self.unit.blocks()) {
            return Err(Sense::OutOfRange.into());
        }
        // They are on the disk, so neither can overflow.
        let sector = u64::from(self.unit.sector.bytes());
        let len = u64::from(blocks.count).saturating_mul(sector);
        Ok((blocks.first.saturating_mul(sector), len))
    }

    /// Takes so many bytes of the guest into the scratch.
    pub(super) fn take(&mut self, len: u32) -> Result<(), Outcome> {
        self.resize_scratch(len);
        Ok(self.buffer.take(self.scratch)?)
    }

    /// The length was checked to be one that is ever moved.
    fn resize_scratch(&mut self, len: u32) {
        self.scratch
            .resize(usize::try_from(len).unwrap_or(usize::MAX), 0);
    }

    pub(super) fn read_failed(&mut self, error: &ReadError) -> Outcome {
        self.failure = Some(Failure::of_read(error));
        Outcome::Check(Sense::UnrecoveredRead)
    }

    pub(super) fn write_failed(&mut self, error: &WriteError) -> Outcome {
        let failure = Failure::of_write(error);
        let sense = if failure.no_room {
            Sense::NoRoom
        } else {
            Sense::WriteError
        };
        self.failure = Some(failure);
        Outcome::Check(sense)
    }
}

/// The length, if the guest's buffer holds it.
pub(super) fn fitting(len: u64, held: u32) -> Result<u32, Outcome> {
    match u32::try_from(len) {
        Ok(len) if len <= held => Ok(len),
        Ok(_) | Err(_) => Err(Sense::InvalidField.into()),
    }
}
