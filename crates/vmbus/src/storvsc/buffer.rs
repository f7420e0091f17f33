//! The guest's memory that a request's data is in.

use super::wire::{Direction, Srb};
use crate::memory::GuestMemory;
use crate::packet::PacketKind;
use crate::pages::{AccessError, PageRange};

/// The data of a request: ranges of the guest's memory, one behind the other.
///
/// That they hold as much as the request says is checked once, in [`Buffer::new`].
pub(super) struct Buffer<'a> {
    memory: &'a dyn GuestMemory,
    ranges: &'a [PageRange],
    len: u32,
    direction: Direction,
}

/// The request says that more is moved than the ranges hold, or than is ever moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadLength;

impl<'a> Buffer<'a> {
    /// The buffer of a request that came in such a packet. Without ranges it is empty, whatever
    /// length the request says: drivers leave old numbers there.
    pub(super) fn new(
        memory: &'a dyn GuestMemory,
        kind: &'a PacketKind,
        srb: &Srb,
    ) -> Result<Self, BadLength> {
        let (ranges, len) = match kind {
            PacketKind::GpaDirect(ranges) => (ranges.as_slice(), srb.transfer_bytes),
            PacketKind::InBand | PacketKind::Completion => (&[][..], 0),
        };
        let held = ranges.iter().fold(0_u64, |held, range| {
            held.saturating_add(u64::from(range.len_bytes()))
        });
        if len > super::MAX_TRANSFER_BYTES || u64::from(len) > held {
            return Err(BadLength);
        }
        Ok(Self {
            memory,
            ranges,
            len,
            direction: srb.direction,
        })
    }

    /// How many bytes can be given to the guest.
    pub(super) fn room(&self) -> u32 {
        match self.direction {
            Direction::ToGuest | Direction::Unknown => self.len,
            Direction::ToDisk => 0,
        }
    }

    /// How many bytes can be taken from the guest.
    pub(super) fn given(&self) -> u32 {
        match self.direction {
            Direction::ToDisk | Direction::Unknown => self.len,
            Direction::ToGuest => 0,
        }
    }

    /// Gives bytes to the guest, from the start of the buffer on.
    pub(super) fn put(&self, bytes: &[u8]) -> Result<(), AccessError> {
        let mut rest = bytes;
        for range in self.ranges {
            let (piece, left) = rest.split_at(rest.len().min(bytes_of(range)));
            range.write(self.memory, 0, piece)?;
            rest = left;
        }
        Ok(())
    }

    /// Takes bytes from the start of the buffer.
    pub(super) fn take(&self, buf: &mut [u8]) -> Result<(), AccessError> {
        let mut rest = buf;
        for range in self.ranges {
            let (piece, left) = rest.split_at_mut(rest.len().min(bytes_of(range)));
            range.read(self.memory, 0, piece)?;
            rest = left;
        }
        Ok(())
    }
}

fn bytes_of(range: &PageRange) -> usize {
    usize::try_from(range.len_bytes()).unwrap_or(usize::MAX)
}
