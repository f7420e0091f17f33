//! The bus: what the guest posts and signals goes in, messages and interrupts come out.

mod channel;
mod connection;
mod events;
mod gpadl;
mod link;
mod options;
mod outbox;
mod requests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::device::{Device, Now};
use crate::memory::GuestMemory;
use crate::protocol::{Malformed, Request, Response, Version};
use crate::synic::{HvStatus, Interrupts, PAYLOAD_BYTES, Synic, SynicPages};
use channel::{OfferedChannel, Slot};
use connection::Connection;
use events::Events;
use gpadl::Unfinished;
use outbox::Outbox;

pub use options::{BusEvent, BusOptions, ChannelId, OfferError, UnknownChannel};

/// Channels at the same time, those included that are rescinded but not yet released.
pub const CHANNEL_LIMIT: u32 = 256;

/// The connection of a channel is its number with this in front, as OpenVMM has it: SINT2 << 12.
const CONNECTION_BASE: u32 = 0x2000;

/// The message type of the bus in HvCallPostMessage.
const CHANNEL_MESSAGE: u32 = 1;

/// The bus, its devices, and what the guest has set up on it.
///
/// It does something only when it is called. Whatever a guest does, what is kept for it is
/// bounded: 256 channels, each with 64 GPADLs and 64 MiB of pages in them; 32 GPADLs of 64 KiB
/// that are not all there yet; some hundred messages that it has not read.
pub struct Bus {
    options: BusOptions,
    synic: Synic,
    outbox: Outbox,
    connection: Connection,
    slots: BTreeMap<u32, Slot>,
    unfinished: Unfinished,
    events: Events,
    offered: u64,
}

impl Bus {
    /// A bus without devices, that no guest has found yet.
    #[must_use]
    pub fn new(
        memory: Arc<dyn GuestMemory>,
        interrupts: Arc<dyn Interrupts>,
        options: BusOptions,
    ) -> Self {
        Self {
            options,
            synic: Synic::new(memory, interrupts, options.processors),
            outbox: Outbox::default(),
            connection: Connection::None,
            slots: BTreeMap::new(),
            unfinished: Unfinished::default(),
            events: Events::default(),
            offered: 0,
        }
    }

    /// Puts a device on the bus. A guest that has asked for offers already is told now.
    ///
    /// # Errors
    /// [`OfferError`].
    pub fn offer(&mut self, device: Box<dyn Device>) -> Result<ChannelId, OfferError> {
        let instance = device.offer().instance;
        let mut taken = self.slots.values().filter_map(Slot::taken);
        if taken.any(|channel| channel.device.offer().instance == instance) {
            return Err(OfferError::InstanceTaken { instance });
        }
        // Number 0 is reserved.
        let mut relids = 1..=CHANNEL_LIMIT;
        let relid = relids.find(|relid| !self.slots.contains_key(relid));
        let limit = CHANNEL_LIMIT;
        let relid = relid.ok_or(OfferError::Full { limit })?;
        let serial = self.offered;
        self.offered = self.offered.wrapping_add(1);
        let id = ChannelId { relid, serial };
        let channel = OfferedChannel::new(id, device);
        self.slots.insert(relid, Slot::Taken(Box::new(channel)));
        self.tell(relid);
        Ok(id)
    }

    /// Takes a device off the bus, and gives it back, closed. A guest that knows of it is told.
    ///
    /// # Errors
    /// [`UnknownChannel`].
    pub fn rescind(&mut self, id: ChannelId) -> Result<Box<dyn Device>, UnknownChannel> {
        let relid = id.relid();
        self.known(id).ok_or(UnknownChannel { id })?;
        let Some(Slot::Taken(mut channel)) = self.slots.remove(&relid) else {
            return Err(UnknownChannel { id });
        };
        self.unfinished.forget_channel(relid);
        if channel.close() {
            self.events.push(BusEvent::Closed { channel: id });
        }
        if channel.told {
            self.slots.insert(relid, Slot::Rescinded);
            self.send(Response::Rescind { relid });
        }
        Ok(channel.device)
    }

    /// The guest has moved a processor's pages, or switched them on or off.
    pub fn set_synic(&mut self, vp: u32, pages: SynicPages) {
        self.synic.set(vp, pages);
        self.outbox.advance(&self.synic);
        for (relid, slot) in &mut self.slots {
            let link = slot.taken_mut().and_then(OfferedChannel::link_mut);
            if let Some(link) = link.filter(|link| link.vp == vp) {
                link.hear(&self.synic, *relid);
            }
        }
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
        if connection != 1 && connection != 4 {
            return HvStatus::InvalidConnectionId;
        }
        if message_type != CHANNEL_MESSAGE || payload.len() > PAYLOAD_BYTES {
            return HvStatus::InvalidParameter;
        }
        match Request::parse(payload) {
            Ok(Request::InitiateContact(contact)) => self.contact(connection, contact),
            Ok(Request::Unload) => self.unload(vp),
            Ok(Request::Connected(request)) => self.request(connection, request, now),
            Err(Malformed::TooShort | Malformed::Unknown) => HvStatus::InvalidParameter,
        }
    }

    /// The guest signals a channel (HvCallSignalEvent).
    pub fn signal_event(&mut self, connection: u32, flag: u16, now: Now) -> HvStatus {
        let relid = connection ^ CONNECTION_BASE;
        if self.told(relid).is_none() {
            return HvStatus::InvalidConnectionId;
        }
        if flag != 0 {
            return HvStatus::InvalidParameter;
        }
        self.service(relid, now);
        HvStatus::Success
    }

    /// The guest has taken a message and was told that more are waiting (the EOM register).
    pub fn end_of_message(&mut self, vp: u32) {
        self.outbox.emptied(&self.synic, vp);
    }

    /// The owner of a device has something for it. Nothing happens while its channel is not open.
    pub fn poke(&mut self, id: ChannelId, now: Now) {
        if self.known(id).is_some() {
            self.service(id.relid(), now);
        }
    }

    /// Calls the devices whose time has come.
    pub fn tick(&mut self, now: Now) {
        let channels = self.slots.values().filter_map(Slot::taken);
        let due = channels.filter(|channel| channel.deadline().is_some_and(|at| at <= now.elapsed));
        let relids: Vec<u32> = due.map(|channel| channel.id.relid()).collect();
        for relid in relids {
            self.service(relid, now);
        }
    }

    /// When [`Bus::tick`] is to be called, as time elapsed since the machine was made.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let channels = self.slots.values().filter_map(Slot::taken);
        channels.filter_map(OfferedChannel::deadline).min()
    }

    /// The connection by which the guest signals the channel; its flag number is 0.
    #[must_use]
    pub fn connection_id(&self, id: ChannelId) -> u32 {
        connection_of(id.relid())
    }

    /// The version that was agreed upon with the guest that is on the bus.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.connection.version()
    }

    /// The machine was reset: the guest is gone, its devices are still there.
    pub fn reset(&mut self) {
        self.disconnect();
        self.outbox.restart(0);
        self.synic.reset();
    }

    /// What has happened since the last time. At most 256 events are kept.
    pub fn drain_events(&mut self) -> impl Iterator<Item = BusEvent> + use<> {
        self.events.drain()
    }

    fn service(&mut self, relid: u32, now: Now) {
        self.work(relid, |channel, synic, _events| channel.service(synic, now));
    }

    fn send(&mut self, response: Response) {
        self.outbox.send(&self.synic, response);
    }

    /// The channel, if it is still that of the id.
    fn known(&self, id: ChannelId) -> Option<&OfferedChannel> {
        let channel = self.slots.get(&id.relid())?.taken()?;
        (channel.id == id).then_some(channel)
    }

    /// The channel of a number, if this guest knows of it.
    fn told(&self, relid: u32) -> Option<&OfferedChannel> {
        let channel = self.slots.get(&relid)?.taken()?;
        channel.told.then_some(channel)
    }

    /// The channel of a number.
    fn channel_mut(&mut self, relid: u32) -> Option<&mut OfferedChannel> {
        self.slots.get_mut(&relid)?.taken_mut()
    }
}

fn connection_of(relid: u32) -> u32 {
    CONNECTION_BASE | relid
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bus")
            .field("options", &self.options)
            .field("connection", &self.connection)
            .field("channels", &self.slots.len())
            .finish_non_exhaustive()
    }
}
