//! What a device on the bus is: an offer, and what it does when its channel is open.

use std::time::Duration;

use crate::guid::Guid;
use crate::memory::GuestMemory;
use crate::packet::{Outgoing, Packet};
use crate::pages::{AccessError, PageRange};
use crate::ring::RingError;

/// A device behind one channel.
///
/// The bus calls it when the channel was opened, when the guest has signalled, when room that it
/// waited for has come, when its deadline has passed, and when its owner asked for it; it does as
/// much as it can and returns. One that leaves packets in the ring is called again soon.
pub trait Device: Send {
    /// What the guest is told about it. Stable for as long as it is offered.
    fn offer(&self) -> Offer;

    /// The guest has opened the channel.
    ///
    /// # Errors
    /// [`DeviceError`]; the channel then rests until it is opened again.
    fn opened(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError>;

    /// The guest has closed the channel, or left the bus, or was reset. Nothing of it is valid.
    fn closed(&mut self);

    /// There may be something to do. Called only while the channel is open, first right after
    /// [`Device::opened`].
    ///
    /// # Errors
    /// [`DeviceError`] when the guest broke a rule; the channel then rests until it is opened again.
    fn service(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError>;

    /// When it wants to be called though nothing happens, by [`Now::elapsed`]. Asked only while the
    /// channel is open.
    fn deadline(&self) -> Option<Duration> {
        None
    }
}

/// The open channel of a device.
pub trait Channel {
    /// The next packet of the guest, or `None` when there is none.
    ///
    /// # Errors
    /// [`RingError`] when the guest's ring is broken.
    fn receive(&mut self) -> Result<Option<Packet>, RingError>;

    /// Sends a packet, or says that there is no room now; the device is called when there is.
    ///
    /// # Errors
    /// [`RingError`] when the ring is broken, or could never hold the packet.
    fn send(&mut self, packet: &Outgoing<'_>) -> Result<Sent, RingError>;

    /// The ranges of memory that the guest has lent by a GPADL on this channel.
    fn lent(&self, gpadl: u32) -> Option<&[PageRange]>;

    /// The guest's memory.
    fn memory(&self) -> &dyn GuestMemory;
}

/// What came of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a packet that did not fit has to be sent again"]
pub enum Sent {
    /// It is in the ring.
    Done,
    /// There is no room; the device will be called when there may be.
    Full,
}

/// The time, as the owner of the bus says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since the machine was made; never goes back.
    pub elapsed: Duration,
    /// The wall clock: since 1970-01-01, UTC.
    pub wall: Duration,
    /// The partition's reference counter, in units of 100 ns (MSR 0x40000020).
    pub reference: u64,
}

/// What the guest is told about a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// What kind of device it is.
    pub class: Guid,
    /// Which one it is. Unique on the bus, and the same at each boot: Linux names devices by it.
    pub instance: Guid,
    /// Flags of the offer.
    pub flags: u16,
    /// Memory-mapped I/O space that it wants, in MiB.
    pub mmio_mib: u16,
    /// Bytes for the driver; for pipes the first word says of what kind.
    pub user_data: [u8; 120],
}

/// Why a device gave up on its channel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The ring is broken.
    #[error("the ring is broken")]
    Ring(#[from] RingError),
    /// The guest's memory is not where it says.
    #[error("the guest named memory that is not there")]
    Access(#[from] AccessError),
    /// The guest broke the device's own protocol.
    #[error("the guest broke the protocol: {rule}")]
    Protocol {
        /// The broken rule, in words.
        rule: String,
    },
}
