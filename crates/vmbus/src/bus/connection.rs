//! How a guest joins the bus, learns of its devices, and leaves.

use super::{Bus, BusEvent};
use crate::protocol::{Contact, OfferMessage, Response, Version};
use crate::synic::HvStatus;

/// Whether a guest is on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    /// No guest has asked, or it has left, or its version was refused.
    None,
    /// A version was agreed upon.
    Agreed(Version),
    /// And the guest has asked what is offered, so it is told of what comes later.
    Listening(Version),
}

impl Connection {
    pub(super) fn version(self) -> Option<Version> {
        match self {
            Self::None => None,
            Self::Agreed(version) | Self::Listening(version) => Some(version),
        }
    }

    pub(super) fn is_listening(self) -> bool {
        match self {
            Self::Listening(_) => true,
            Self::None | Self::Agreed(_) => false,
        }
    }
}

/// The interrupt source of every message.
const SINT: u8 = 2;

impl Bus {
    /// A guest asks for a version. Whatever was before is over: it may be another kernel that the
    /// first one has started without leaving the bus.
    pub(super) fn contact(&mut self, connection: u32, contact: Contact) -> HvStatus {
        if connection != contact.connection() {
            return HvStatus::InvalidConnectionId;
        }
        let routed = match contact.route {
            Some(route) => route.sint == SINT && route.vtl == 0,
            None => true,
        };
        if !routed || !self.synic.has(contact.target_vp) {
            return HvStatus::InvalidParameter;
        }
        self.disconnect();
        self.outbox.restart(contact.target_vp);
        let version = Version::from_raw(contact.version)
            .filter(|version| *version <= self.options.max_version);
        match version {
            Some(version) => {
                self.connection = Connection::Agreed(version);
                self.events.push(BusEvent::Connected { version });
            }
            None => self.events.push(BusEvent::Refused {
                version: contact.version,
            }),
        }
        self.send(Response::Version(version));
        HvStatus::Success
    }

    /// The guest asks what is offered. It may ask once.
    pub(super) fn request_offers(&mut self) -> HvStatus {
        let Connection::Agreed(version) = self.connection else {
            return HvStatus::InvalidParameter;
        };
        self.connection = Connection::Listening(version);
        let relids: Vec<u32> = self.slots.keys().copied().collect();
        for relid in relids {
            self.tell(relid);
        }
        self.send(Response::AllOffersDelivered);
        HvStatus::Success
    }

    /// Tells the guest of a device, if it listens.
    pub(super) fn tell(&mut self, relid: u32) {
        if !self.connection.is_listening() {
            return;
        }
        let Some(channel) = self.channel_mut(relid) else {
            return;
        };
        channel.told = true;
        let offer = OfferMessage {
            offer: channel.device.offer(),
            relid,
            connection: super::connection_of(relid),
        };
        self.send(Response::Offer(offer));
    }

    /// The guest leaves the bus. It is answered whatever state it is in: a kernel that has
    /// panicked waits for the answer.
    pub(super) fn unload(&mut self, vp: u32) -> HvStatus {
        let vp = match self.connection {
            Connection::None => vp,
            Connection::Agreed(_) | Connection::Listening(_) => self.outbox.vp(),
        };
        self.disconnect();
        self.outbox.restart(vp);
        self.events.push(BusEvent::Unloaded);
        self.send(Response::Unload);
        HvStatus::Success
    }

    /// Ends all that a guest has set up, and releases the numbers that it held.
    pub(super) fn disconnect(&mut self) {
        self.connection = Connection::None;
        self.unfinished.clear();
        self.slots.retain(|_, slot| slot.taken().is_some());
        for slot in self.slots.values_mut() {
            let Some(channel) = slot.taken_mut() else {
                continue;
            };
            if channel.forget() {
                let channel = channel.id;
                self.events.push(BusEvent::Closed { channel });
            }
        }
    }
}
