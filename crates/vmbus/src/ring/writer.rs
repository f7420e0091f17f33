//! The host-to-guest ring, into which we write.

use super::error::{Index, RingError};
use super::layout::Ring;
use super::parse::{HEADER_BYTES, TRAILER_BYTES, WANTS_COMPLETION, kind};
use crate::device::Sent;
use crate::memory::GuestMemory;
use crate::packet::{Outgoing, OutgoingKind};

/// The writing end.
#[derive(Debug)]
pub(super) struct Writer {
    ring: Ring,
    /// Where the next packet goes. Ours: what the control page says is for the guest.
    write: u32,
    /// The guest's read index when we last looked: up to it there is room.
    read: u32,
    /// Whether the control page says that we wait for room.
    asked: bool,
    /// The packet as it will lie in the ring.
    packet: Vec<u8>,
}

impl Writer {
    pub(super) fn open(memory: &dyn GuestMemory, ring: Ring) -> Result<Self, RingError> {
        let write = ring.control.write(memory, Index::HostWrite)?;
        let read = ring.control.read(memory, Index::GuestRead)?;
        Ok(Self {
            ring,
            write,
            read,
            asked: false,
            packet: Vec::new(),
        })
    }

    /// Writes a packet. With [`Sent::Done`]: whether the guest has to be signalled.
    pub(super) fn send(
        &mut self,
        memory: &dyn GuestMemory,
        outgoing: &Outgoing<'_>,
    ) -> Result<(Sent, bool), RingError> {
        let sizes = Sizes::of(outgoing);
        let never = RingError::NeverFits {
            needed: sizes.needed,
            ring: self.ring.bytes(),
        };
        let needed = u32::try_from(sizes.needed).map_err(|_| never)?;
        // A full ring would look like an empty one, so eight bytes always stay free.
        if needed >= self.ring.bytes() {
            return Err(never);
        }
        let header = sizes.header_words().ok_or(never)?;
        if !self.has_room(memory, needed)? && !self.waits_in_vain(memory, needed)? {
            return Ok((Sent::Full, false));
        }
        self.lay_out(outgoing, header);
        self.ring.copy_in(memory, self.write, &self.packet)?;
        let signal = self.publish(memory, needed)?;
        Ok((Sent::Done, signal))
    }

    /// Whether a packet fits now.
    fn has_room(&mut self, memory: &dyn GuestMemory, needed: u32) -> Result<bool, RingError> {
        if self.free() <= needed {
            self.read = self.ring.control.read(memory, Index::GuestRead)?;
        }
        Ok(self.free() > needed)
    }

    /// Asks the guest to signal when there is room; true when there is some already.
    fn waits_in_vain(&mut self, memory: &dyn GuestMemory, needed: u32) -> Result<bool, RingError> {
        if !self.ring.control.tells_pending_send(memory)? {
            return Ok(false);
        }
        self.ring.control.ask_for_room(memory, needed)?;
        self.asked = true;
        // Room that came before the guest could see this is not told of.
        self.has_room(memory, needed)
    }

    fn free(&self) -> u32 {
        let used = self.ring.distance(self.read, self.write);
        self.ring.bytes().saturating_sub(used)
    }

    /// Lets the guest see the packet. True: it has to be signalled.
    fn publish(&mut self, memory: &dyn GuestMemory, needed: u32) -> Result<bool, RingError> {
        if self.asked {
            self.ring.control.ask_for_nothing(memory)?;
            self.asked = false;
        }
        let before = self.write;
        self.write = self.ring.advance(before, needed);
        self.ring.control.set_write(memory, self.write)?;
        if self.ring.control.masked(memory)? {
            return Ok(false);
        }
        Ok(self.ring.control.raw_read(memory)? == before)
    }

    /// Puts the packet together: header, payload, padding, and where it starts in the ring.
    fn lay_out(&mut self, outgoing: &Outgoing<'_>, [header, packet]: [u16; 2]) {
        let kind = match outgoing.kind {
            OutgoingKind::InBand => kind::IN_BAND,
            OutgoingKind::TransferPages { .. } => kind::TRANSFER_PAGES,
            OutgoingKind::Completion => kind::COMPLETION,
        };
        let flags = u16::from(outgoing.wants_completion).saturating_mul(WANTS_COMPLETION);
        let out = &mut self.packet;
        out.clear();
        for field in [kind, header, packet, flags] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.extend_from_slice(&outgoing.transaction.to_le_bytes());
        if let OutgoingKind::TransferPages { set, ranges } = outgoing.kind {
            out.extend_from_slice(&u32::from(set).to_le_bytes());
            let count = u32::try_from(ranges.len()).unwrap_or(u32::MAX);
            out.extend_from_slice(&count.to_le_bytes());
            for (offset, len) in ranges {
                out.extend_from_slice(&len.to_le_bytes());
                out.extend_from_slice(&offset.to_le_bytes());
            }
        }
        out.extend_from_slice(outgoing.payload);
        out.resize(out.len().next_multiple_of(8), 0);
        out.extend_from_slice(&u64::from(self.write).wrapping_shl(32).to_le_bytes());
    }
}

/// How long a packet is.
struct Sizes {
    header: u64,
    packet: u64,
    /// With the trailer.
    needed: u64,
}

impl Sizes {
    fn of(outgoing: &Outgoing<'_>) -> Self {
        let bytes = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
        let extra = match outgoing.kind {
            OutgoingKind::InBand | OutgoingKind::Completion => 0,
            OutgoingKind::TransferPages { ranges, .. } => {
                bytes(ranges.len()).saturating_mul(8).saturating_add(8)
            }
        };
        let header = u64::from(HEADER_BYTES).saturating_add(extra);
        let payload = bytes(outgoing.payload.len()).div_ceil(8).saturating_mul(8);
        let packet = header.saturating_add(payload);
        let needed = packet.saturating_add(u64::from(TRAILER_BYTES));
        Self {
            header,
            packet,
            needed,
        }
    }

    /// The lengths of header and packet as the header says them, if it can.
    fn header_words(&self) -> Option<[u16; 2]> {
        let eights = |len: u64| u16::try_from(len / 8).ok();
        Some([eights(self.header)?, eights(self.packet)?])
    }
}
