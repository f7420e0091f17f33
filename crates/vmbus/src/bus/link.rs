//! The open channel: its rings, and the interrupt that says that they have changed.

use super::gpadl::Lent;
use crate::device::{Channel, Sent};
use crate::memory::GuestMemory;
use crate::packet::{Outgoing, Packet};
use crate::pages::PageRange;
use crate::ring::{RingError, RingPair};
use crate::synic::{Synic, Unheard};

/// What an open channel has.
pub(super) struct Link {
    pub(super) rings: RingPair,
    /// The GPADL in which the rings are.
    pub(super) ring_gpadl: u32,
    /// The processor that is interrupted.
    pub(super) vp: u32,
    /// The processor had no event page when it was to be interrupted.
    pub(super) unheard: bool,
    /// The device has more to do, and was called often enough.
    pub(super) again: bool,
}

impl Link {
    pub(super) fn new(rings: RingPair, ring_gpadl: u32, vp: u32) -> Self {
        Self {
            rings,
            ring_gpadl,
            vp,
            unheard: false,
            again: false,
        }
    }

    /// The channel as its device sees it.
    pub(super) fn channel<'a>(
        &'a mut self,
        synic: &'a Synic,
        lent: &'a Lent,
        relid: u32,
    ) -> OpenChannel<'a> {
        OpenChannel {
            link: self,
            synic,
            lent,
            relid,
        }
    }

    /// Interrupts the guest if the rings ask for it.
    pub(super) fn deliver(&mut self, synic: &Synic, relid: u32) {
        if self.rings.take_signal() {
            self.interrupt(synic, relid);
        }
    }

    /// The processor's event page is there now.
    pub(super) fn hear(&mut self, synic: &Synic, relid: u32) {
        if self.unheard {
            self.interrupt(synic, relid);
        }
    }

    fn interrupt(&mut self, synic: &Synic, relid: u32) {
        self.unheard = match synic.set_flag(self.vp, relid) {
            Ok(()) => false,
            Err(Unheard) => true,
        };
    }
}

/// An open channel while its device is at work.
pub(super) struct OpenChannel<'a> {
    link: &'a mut Link,
    synic: &'a Synic,
    lent: &'a Lent,
    relid: u32,
}

impl Channel for OpenChannel<'_> {
    fn receive(&mut self) -> Result<Option<Packet>, RingError> {
        let packet = self.link.rings.receive();
        self.link.deliver(self.synic, self.relid);
        packet
    }

    fn send(&mut self, packet: &Outgoing<'_>) -> Result<Sent, RingError> {
        // The guest is told at once: what the device does next may take its time.
        let sent = self.link.rings.send(packet);
        self.link.deliver(self.synic, self.relid);
        sent
    }

    fn lent(&self, gpadl: u32) -> Option<&[PageRange]> {
        self.lent.get(gpadl)
    }

    fn memory(&self) -> &dyn GuestMemory {
        self.synic.memory()
    }
}
