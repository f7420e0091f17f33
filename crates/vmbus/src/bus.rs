//! The bus: what the guest posts and signals goes in, messages and interrupts come out.

mod options;

use std::sync::Arc;
use std::time::Duration;

use crate::device::{Device, Now};
use crate::memory::GuestMemory;
use crate::synic::{HvStatus, Interrupts, Synic, SynicPages};

pub use options::{BusEvent, BusOptions, ChannelId, OfferError, UnknownChannel};

/// Channels at the same time, those included that are rescinded but not yet released.
pub const CHANNEL_LIMIT: u32 = 256;

/// The connection of a channel is its number with this in front, as OpenVMM has it: SINT2 << 12.
const CONNECTION_BASE: u32 = 0x2000;

/// The bus, its devices, and what the guest has set up on it.
pub struct Bus {
    options: BusOptions,
    synic: Synic,
}

impl Bus {
    /// A bus without devices, that the guest has not found yet.
    #[must_use]
    pub fn new(
        memory: Arc<dyn GuestMemory>,
        interrupts: Arc<dyn Interrupts>,
        options: BusOptions,
    ) -> Self {
        Self {
            options,
            synic: Synic::new(memory, interrupts, options.processors),
        }
    }

    /// Puts a device on the bus. A guest that has asked for offers already is told now.
    ///
    /// # Errors
    /// [`OfferError`].
    pub fn offer(&mut self, device: Box<dyn Device>) -> Result<ChannelId, OfferError> {
        drop(device);
        Err(OfferError::Full {
            limit: CHANNEL_LIMIT,
        })
    }

    /// Takes a device off the bus, and gives it back, closed. The guest is told.
    ///
    /// # Errors
    /// [`UnknownChannel`].
    pub fn rescind(&mut self, id: ChannelId) -> Result<Box<dyn Device>, UnknownChannel> {
        Err(UnknownChannel { id })
    }

    /// The guest has moved a processor's pages, or switched them on or off.
    pub fn set_synic(&mut self, vp: u32, pages: SynicPages) {
        self.synic.set(vp, pages);
    }

    /// The guest posts a message (HvCallPostMessage): `payload` is what its size says, copied.
    pub fn post_message(
        &mut self,
        vp: u32,
        connection: u32,
        message_type: u32,
        payload: &[u8],
        now: Now,
    ) -> HvStatus {
        let _ = (vp, connection, message_type, payload, now, self.options);
        HvStatus::InvalidConnectionId
    }

    /// The guest signals a channel (HvCallSignalEvent).
    pub fn signal_event(&mut self, connection: u32, flag: u16, now: Now) -> HvStatus {
        let _ = (connection, flag, now);
        HvStatus::InvalidConnectionId
    }

    /// The guest has taken a message and was told that more are waiting (the EOM register).
    pub fn end_of_message(&mut self, vp: u32) {
        let _ = vp;
    }

    /// The owner of a device has something for it. Nothing happens while its channel is not open.
    pub fn poke(&mut self, id: ChannelId, now: Now) {
        let _ = (id, now);
    }

    /// Calls the devices whose time has come.
    pub fn tick(&mut self, now: Now) {
        let _ = now;
    }

    /// When [`Bus::tick`] is to be called, as time elapsed since the machine was made.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        None
    }

    /// The connection by which the guest signals the channel; its flag number is 0.
    #[must_use]
    pub fn connection_id(&self, id: ChannelId) -> u32 {
        CONNECTION_BASE | id.relid()
    }

    /// The machine was reset: the guest is gone, its devices are still there.
    pub fn reset(&mut self) {
        self.synic.reset();
    }

    /// What has happened since the last time. At most 256 events are kept.
    pub fn drain_events(&mut self) -> impl Iterator<Item = BusEvent> + '_ {
        std::iter::empty()
    }
}
