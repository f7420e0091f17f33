//! A logical unit, and how it carries out a command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use detente_block::BlockWrite;

use super::buffer::Buffer;
use super::command::Command;
use super::fault::Failure;
use super::medium::{Access, Medium, SectorSize, Serial};
use super::outcome::Outcome;
use super::sense::Sense;
use super::{capacity, inquiry, mode};
use crate::pages::AccessError;

/// A disk that is attached.
pub(super) struct Unit {
    pub(super) disk: Arc<dyn BlockWrite>,
    pub(super) sector: SectorSize,
    pub(super) access: Access,
    pub(super) serial: Serial,
    /// The length has changed, and the guest was not told yet.
    changed: AtomicBool,
}

impl Unit {
    pub(super) fn new(medium: Medium) -> Self {
        Self {
            disk: medium.disk,
            sector: medium.sector,
            access: medium.access,
            serial: medium.serial,
            changed: AtomicBool::new(false),
        }
    }

    /// How many blocks it has.
    pub(super) fn blocks(&self) -> u64 {
        self.disk
            .len_bytes()
            .checked_div(u64::from(self.sector.bytes()))
            .unwrap_or(0)
    }

    /// Its length has changed: the next command is told so.
    pub(super) fn note_change(&self) {
        self.changed.store(true, Ordering::Release);
    }

    fn take_change(&self) -> bool {
        self.changed.swap(false, Ordering::AcqRel)
    }
}

/// A command under way.
pub(super) struct Job<'a> {
    pub(super) unit: &'a Unit,
    pub(super) buffer: &'a Buffer<'a>,
    /// Where data is between disk and guest; kept from request to request.
    pub(super) scratch: &'a mut Vec<u8>,
    /// What the disk said, if it failed.
    pub(super) failure: Option<Failure>,
}

impl Job<'_> {
    /// Carries the command out.
    pub(super) fn run(&mut self, command: Command) -> Outcome {
        if reports_attention(command) && self.unit.take_change() {
            return Outcome::Check(Sense::CapacityChanged);
        }
        match self.carry_out(command) {
            Ok(moved) => Outcome::Good { moved },
            Err(outcome) => outcome,
        }
    }

    /// How many bytes were moved, or what else came of it.
    fn carry_out(&mut self, command: Command) -> Result<u32, Outcome> {
        let unit = self.unit;
        match command {
            Command::TestUnitReady => Ok(0),
            Command::RequestSense { descriptors, room } => self.request_sense(descriptors, room),
            Command::Inquiry { page, room } => {
                answer(self.buffer, &inquiry::data(unit, page)?, room)
            }
            Command::ModeSense(asked) => answer(self.buffer, &mode::data(unit, asked)?, asked.room),
            Command::StartStop { start } => self.start_stop(start),
            Command::ReadCapacity10 => answer(self.buffer, &capacity::ten(unit), u32::MAX),
            Command::ReadCapacity16 { room } => answer(self.buffer, &capacity::sixteen(unit), room),
            // The controller answers these itself.
            Command::ReportLuns { .. } => Err(Sense::InvalidOpcode.into()),
            Command::Read(blocks) => self.read(blocks),
            Command::Write { blocks, force } => self.write(blocks, force),
            Command::Synchronize(blocks) => self.synchronize(blocks),
            Command::Unmap { parameter_bytes } => self.unmap(parameter_bytes),
            Command::WriteSame { blocks, source } => self.write_same(blocks, source),
        }
    }

    fn request_sense(&self, descriptors: bool, room: u32) -> Result<u32, Outcome> {
        if descriptors {
            return Err(Sense::InvalidField.into());
        }
        let sense = if self.unit.take_change() {
            Sense::CapacityChanged
        } else {
            Sense::None
        };
        answer(self.buffer, &sense.to_bytes(), room)
    }

    /// A unit that is stopped has written what it held.
    fn start_stop(&mut self, start: bool) -> Result<u32, Outcome> {
        if !start && self.unit.access == Access::ReadWrite {
            self.flush()?;
        }
        Ok(0)
    }
}

/// Whether a unit attention is reported to the command (SAM-5, 5.14).
fn reports_attention(command: Command) -> bool {
    match command {
        Command::Inquiry { .. } | Command::ReportLuns { .. } | Command::RequestSense { .. } => {
            false
        }
        Command::TestUnitReady
        | Command::ModeSense(_)
        | Command::StartStop { .. }
        | Command::ReadCapacity10
        | Command::ReadCapacity16 { .. }
        | Command::Read(_)
        | Command::Write { .. }
        | Command::Synchronize(_)
        | Command::Unmap { .. }
        | Command::WriteSame { .. } => true,
    }
}

/// Gives the guest as much of an answer as it asked for and has room for.
pub(super) fn answer(buffer: &Buffer<'_>, data: &[u8], room: u32) -> Result<u32, Outcome> {
    let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let len = len.min(room).min(buffer.room());
    let used = usize::try_from(len).unwrap_or(usize::MAX);
    buffer.put(data.get(..used).unwrap_or(data))?;
    Ok(len)
}

impl From<Sense> for Outcome {
    fn from(sense: Sense) -> Self {
        Self::Check(sense)
    }
}

/// The guest named memory that is not there.
impl From<AccessError> for Outcome {
    fn from(_: AccessError) -> Self {
        Self::Malformed
    }
}
