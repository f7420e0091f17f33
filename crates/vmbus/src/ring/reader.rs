//! The guest-to-host ring, from which we read.

use std::ops::Range;

use super::error::{Index, RingError};
use super::layout::Ring;
use super::parse::{Header, TRAILER_BYTES};
use crate::memory::GuestMemory;
use crate::packet::Packet;

/// How much is copied out at first: most packets whole, so that they cost one copy.
const FIRST_BYTES: usize = 256;

/// The reading end.
#[derive(Debug)]
pub(super) struct Reader {
    ring: Ring,
    /// Where the next packet is. Ours: what the control page says is for the guest.
    read: u32,
    /// The read index that the guest has been told.
    told: u32,
    /// The guest's write index when we last looked: what lies before it is there to be read.
    write: u32,
}

impl Reader {
    pub(super) fn open(memory: &dyn GuestMemory, ring: Ring) -> Result<Self, RingError> {
        let read = ring.control.read(memory, Index::HostRead)?;
        let write = ring.control.write(memory, Index::GuestWrite)?;
        Ok(Self {
            ring,
            read,
            told: read,
            write,
        })
    }

    /// Whether there is something to be read.
    pub(super) fn looks(&mut self, memory: &dyn GuestMemory) -> Result<bool, RingError> {
        if self.read == self.write {
            self.write = self.ring.control.write(memory, Index::GuestWrite)?;
        }
        Ok(self.read != self.write)
    }

    pub(super) fn mask(&mut self, memory: &dyn GuestMemory) -> Result<(), RingError> {
        Ok(self.ring.control.mask(memory)?)
    }

    /// Lets the guest signal again. What it wrote before it saw that is seen by the next look.
    pub(super) fn unmask(&mut self, memory: &dyn GuestMemory) -> Result<(), RingError> {
        Ok(self.ring.control.unmask(memory)?)
    }

    /// Takes the next packet, if there is one.
    pub(super) fn receive(
        &mut self,
        memory: &dyn GuestMemory,
    ) -> Result<Option<Packet>, RingError> {
        if !self.looks(memory)? {
            return Ok(None);
        }
        let available = self.ring.distance(self.read, self.write);
        let mut start = [0; FIRST_BYTES];
        let len = usize::try_from(available).map_or(FIRST_BYTES, |all| all.min(FIRST_BYTES));
        let (start, _) = start.split_at_mut(len);
        self.ring.copy_out(memory, self.read, start)?;
        let Some(header) = start.first_chunk::<16>() else {
            return Err(RingError::HeaderCut { available });
        };
        let header = Header::parse(*header, available)?;
        let payload = header.payload();
        let packet = match start.get(..payload.end) {
            Some(packet) => header.packet(
                packet.get(header.extra()).unwrap_or_default(),
                packet.get(payload).unwrap_or_default().to_vec(),
            )?,
            None => header.packet(
                &self.piece(memory, start, header.extra())?,
                self.piece(memory, start, payload)?,
            )?,
        };
        let taken = header.packet.saturating_add(TRAILER_BYTES);
        self.read = self.ring.advance(self.read, taken);
        Ok(Some(packet))
    }

    /// A piece of a long packet of which the start is here already: what is not is copied out.
    fn piece(
        &self,
        memory: &dyn GuestMemory,
        start: &[u8],
        place: Range<usize>,
    ) -> Result<Vec<u8>, RingError> {
        // The packet's length was compared with what is in the ring: the guest has lent as much.
        let mut bytes = vec![0; place.len()];
        let here = start.get(place.start..).unwrap_or_default();
        let here = here.get(..bytes.len()).unwrap_or(here);
        let (front, back) = bytes.split_at_mut(here.len());
        front.copy_from_slice(here);
        let at = place.start.max(start.len());
        let at = self
            .ring
            .advance(self.read, u32::try_from(at).unwrap_or(u32::MAX));
        self.ring.copy_out(memory, at, back)?;
        Ok(bytes)
    }

    /// Whether the guest should soon be told how far we are: it may wait for room.
    pub(super) fn owes(&self) -> bool {
        self.ring.distance(self.told, self.read) >= self.ring.bytes() / 4
    }

    /// Tells the guest how far we are. True: it waits for room that is there now, signal it.
    pub(super) fn tell(&mut self, memory: &dyn GuestMemory) -> Result<bool, RingError> {
        let freed = self.ring.distance(self.told, self.read);
        if freed == 0 {
            return Ok(false);
        }
        self.ring.control.set_read(memory, self.read)?;
        self.told = self.read;
        let pending = self.ring.control.pending_send(memory)?;
        if pending == 0 {
            return Ok(false);
        }
        let write = self.ring.control.write(memory, Index::GuestWrite)?;
        let used = self.ring.distance(self.read, write);
        let now = self.ring.bytes().saturating_sub(used);
        let before = now.saturating_sub(freed);
        // Drivers differ on whether exactly as much is enough, so it counts as both; and one that
        // waits for more than there could ever be waits for an empty ring.
        let pending = pending.min(self.ring.bytes());
        Ok(before <= pending && now >= pending)
    }
}
