//! A channel whose guest is written down beforehand: for tests, and for hostile exercise.

use std::collections::VecDeque;

use crate::device::{Channel, Sent};
use crate::memory::{GuestMemory, OutsideMemory};
use crate::packet::{Outgoing, OutgoingKind, Packet};
use crate::pages::PageRange;
use crate::ring::RingError;

/// A channel with no ring and no memory behind it.
pub(crate) struct Scripted {
    /// What the guest has sent, and nobody has received.
    pub(crate) incoming: VecDeque<Packet>,
    /// What was sent to the guest: transaction, whether it is a completion, and payload.
    pub(crate) sent: VecDeque<(u64, bool, Vec<u8>)>,
    /// How many packets fit before the guest reads.
    pub(crate) room: usize,
}

impl Scripted {
    pub(crate) fn new() -> Self {
        Self {
            incoming: VecDeque::new(),
            sent: VecDeque::new(),
            room: usize::MAX,
        }
    }

    /// The guest sends a packet, padded as in the ring.
    #[cfg(test)]
    pub(crate) fn push(&mut self, kind: crate::PacketKind, transaction: u64, payload: &[u8]) {
        let mut payload = payload.to_vec();
        payload.resize(payload.len().next_multiple_of(8), 0);
        self.incoming.push_back(Packet {
            kind,
            transaction,
            wants_completion: false,
            payload,
        });
    }
}

impl Channel for Scripted {
    fn receive(&mut self) -> Result<Option<Packet>, RingError> {
        Ok(self.incoming.pop_front())
    }

    fn send(&mut self, packet: &Outgoing<'_>) -> Result<Sent, RingError> {
        let Some(room) = self.room.checked_sub(1) else {
            return Ok(Sent::Full);
        };
        self.room = room;
        let completion = packet.kind == OutgoingKind::Completion;
        let payload = packet.payload.to_vec();
        self.sent
            .push_back((packet.transaction, completion, payload));
        Ok(Sent::Done)
    }

    fn lent(&self, _: u32) -> Option<&[PageRange]> {
        None
    }

    fn memory(&self) -> &dyn GuestMemory {
        &NoMemory
    }
}

struct NoMemory;

impl NoMemory {
    fn outside(gpa: u64, len: usize) -> OutsideMemory {
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        OutsideMemory { gpa, len }
    }
}

impl GuestMemory for NoMemory {
    fn read(&self, gpa: u64, buf: &mut [u8]) -> Result<(), OutsideMemory> {
        Err(Self::outside(gpa, buf.len()))
    }

    fn write(&self, gpa: u64, bytes: &[u8]) -> Result<(), OutsideMemory> {
        Err(Self::outside(gpa, bytes.len()))
    }

    fn load_u32(&self, gpa: u64, _: std::sync::atomic::Ordering) -> Result<u32, OutsideMemory> {
        Err(Self::outside(gpa, 4))
    }

    fn store_u32(
        &self,
        gpa: u64,
        _: u32,
        _: std::sync::atomic::Ordering,
    ) -> Result<(), OutsideMemory> {
        Err(Self::outside(gpa, 4))
    }

    fn fetch_or_u32(&self, gpa: u64, _: u32) -> Result<u32, OutsideMemory> {
        Err(Self::outside(gpa, 4))
    }
}
