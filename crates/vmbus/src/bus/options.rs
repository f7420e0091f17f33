//! What a bus is made with, and what it says afterwards.

use std::fmt;

use crate::protocol::Version;

/// How a bus is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusOptions {
    /// The newest version that is spoken; newer ones are refused.
    pub max_version: Version,
    /// How many virtual processors there are.
    pub processors: u32,
}

impl Default for BusOptions {
    fn default() -> Self {
        Self {
            max_version: Version::V5_3,
            processors: 1,
        }
    }
}

/// A device on the bus, from its offer until it is rescinded. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId {
    /// The number by which messages call it. Used again once the guest has released it.
    pub(super) relid: u32,
    /// Tells it from those that had the number before.
    pub(super) serial: u64,
}

impl ChannelId {
    /// The number by which the guest knows it: the channel's id in Linux's sysfs.
    #[must_use]
    pub fn relid(self) -> u32 {
        self.relid
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.relid)
    }
}

/// What happened on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusEvent {
    /// The guest asked for a version that was refused.
    Refused {
        /// As the guest said it.
        version: u32,
    },
    /// The guest has joined the bus.
    Connected {
        /// The version that was agreed upon.
        version: Version,
    },
    /// The guest has opened a channel.
    Opened {
        /// Which one.
        channel: ChannelId,
        /// The processor that it interrupts.
        vp: u32,
    },
    /// The guest has closed a channel, or took its ring back.
    Closed {
        /// Which one.
        channel: ChannelId,
    },
    /// The guest broke a rule: the device is left alone until the channel is opened again.
    Rested {
        /// Which channel.
        channel: ChannelId,
        /// Which rule, in words.
        why: String,
    },
    /// The guest has left the bus.
    Unloaded,
    /// So many events were lost, since nobody took them.
    Lost {
        /// How many.
        events: u64,
    },
}

/// Why a device cannot be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OfferError {
    /// The bus is full.
    #[error("the bus has all of its {limit} channels")]
    Full {
        /// The limit.
        limit: u32,
    },
    /// Another device has this instance's GUID.
    #[error("instance {instance} is already on the bus")]
    InstanceTaken {
        /// The GUID.
        instance: crate::guid::Guid,
    },
}

/// The channel is not, or no more, on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no channel {id} on the bus")]
pub struct UnknownChannel {
    /// The channel.
    pub id: ChannelId,
}
