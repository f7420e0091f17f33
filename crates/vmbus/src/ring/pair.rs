//! Both rings of a channel.

use std::fmt;
use std::sync::Arc;

use super::error::RingError;
use super::layout::Ring;
use super::reader::Reader;
use super::writer::Writer;
use crate::device::Sent;
use crate::memory::GuestMemory;
use crate::packet::{Outgoing, Packet};
use crate::pages::PageRange;

/// The host's side of the two rings of an open channel.
///
/// After an error the pair is of no more use: the guest broke it.
pub struct RingPair {
    memory: Arc<dyn GuestMemory>,
    reader: Reader,
    writer: Writer,
    signal: bool,
    last: Last,
}

/// What the device did last since the drain began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    TookPacket,
    SawEnd,
    FoundNoRoom,
}

impl RingPair {
    /// The pair in a range that the guest has lent for it; the second ring, into which we write,
    /// starts at a page of it.
    ///
    /// # Errors
    /// [`RingError`] when there is no room for two rings, or their indices are not sound.
    pub fn open(
        memory: Arc<dyn GuestMemory>,
        range: &PageRange,
        host_to_guest_page: u32,
    ) -> Result<Self, RingError> {
        let (to_host, to_guest) = Ring::pair(range, host_to_guest_page)?;
        Ok(Self {
            reader: Reader::open(&*memory, to_host)?,
            writer: Writer::open(&*memory, to_guest)?,
            memory,
            signal: false,
            last: Last::Nothing,
        })
    }

    /// Asks the guest not to signal for packets: we are looking anyhow.
    ///
    /// # Errors
    /// [`RingError`].
    pub fn begin_drain(&mut self) -> Result<(), RingError> {
        self.last = Last::Nothing;
        self.reader.mask(&*self.memory)
    }

    /// Asks the guest to signal again, and tells it how far we have read.
    ///
    /// True when there are packets that no signal will tell of, and the device wants them, having
    /// last taken one or seen the end: it is to be called once more, now or later.
    ///
    /// # Errors
    /// [`RingError`].
    pub fn end_drain(&mut self) -> Result<bool, RingError> {
        self.tell()?;
        self.reader.unmask(&*self.memory)?;
        let more = self.reader.looks(&*self.memory)?;
        match self.last {
            Last::TookPacket | Last::SawEnd => Ok(more),
            Last::Nothing | Last::FoundNoRoom => Ok(false),
        }
    }

    /// The next packet of the guest, or `None` when there is none.
    ///
    /// # Errors
    /// [`RingError`] when the ring or the packet is broken.
    pub fn receive(&mut self) -> Result<Option<Packet>, RingError> {
        let packet = self.reader.receive(&*self.memory)?;
        self.last = match packet {
            Some(_) => Last::TookPacket,
            None => Last::SawEnd,
        };
        if packet.is_none() || self.reader.owes() {
            self.tell()?;
        }
        Ok(packet)
    }

    /// Sends a packet; when there is no room now, the guest is asked to signal when there is.
    ///
    /// # Errors
    /// [`RingError`] when the ring is broken, or could never hold the packet.
    pub fn send(&mut self, packet: &Outgoing<'_>) -> Result<Sent, RingError> {
        let (sent, signal) = self.writer.send(&*self.memory, packet)?;
        self.signal |= signal;
        if sent == Sent::Full {
            self.last = Last::FoundNoRoom;
        }
        Ok(sent)
    }

    /// Whether the guest has to be signalled; that is then taken as done.
    pub fn take_signal(&mut self) -> bool {
        std::mem::take(&mut self.signal)
    }

    /// The memory in which the rings are.
    #[must_use]
    pub fn memory(&self) -> &dyn GuestMemory {
        &*self.memory
    }

    fn tell(&mut self) -> Result<(), RingError> {
        self.signal |= self.reader.tell(&*self.memory)?;
        Ok(())
    }
}

impl fmt::Debug for RingPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingPair")
            .field("reader", &self.reader)
            .field("writer", &self.writer)
            .field("signal", &self.signal)
            .finish_non_exhaustive()
    }
}
