//! What the integration components share: framing, negotiation, and requests with answers.
//!
//! An integration component is a small service inside the guest (heartbeat, shutdown, time, key
//! values, backup) behind a message pipe of its own. The host speaks first: it names the versions
//! that it knows, the guest picks one of each kind, and from then on the host asks and the guest
//! answers. Linux answers in the very bytes that it was asked with: whatever the guest is to fill
//! in has to be in the request already, as zeroes.
//!
//! A component whose driver or daemon is missing answers late or never. That is no fault of the
//! channel: it shows as [`Stage::Negotiating`], and requests end by their time limit.

mod component;
mod exchange;
pub(crate) mod fields;
mod header;
#[cfg(test)]
pub(crate) mod linux;
mod negotiate;
mod request;
pub(crate) mod scripted;
mod session;
#[cfg(test)]
mod tests;

pub(crate) use component::Component;
pub(crate) use exchange::{Exchange, Rejection, Service, Step};
pub use header::IcVersion;
pub(crate) use header::Kind;
pub use negotiate::Versions;
pub(crate) use request::{Asker, lock, shared};
pub use request::{Failure, Pending};
pub(crate) use session::{Incoming, Reply, Session};

use crate::device::Offer;
use crate::guid::Guid;

/// How far a component and its guest have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// The guest has not opened the channel: it has no driver for it, or not yet.
    #[default]
    Closed,
    /// The guest has been asked which versions it knows, and has not answered yet.
    Negotiating,
    /// Both sides know how to talk.
    Ready(Versions),
    /// The guest says that it knows none of our versions.
    NoVersion,
    /// The guest broke a rule; the channel rests until it is opened again.
    Broken,
}

/// "Named pipe mode" and "enumerate device interface": what real offers of components say.
const PIPE_OFFER: u16 = 0x11;

/// The first word of the user data: a pipe of messages.
const MESSAGE_PIPE: u32 = 4;

/// The offer of a component.
pub(crate) fn offer(class: Guid, instance: Guid) -> Offer {
    let mut user_data = [0; 120];
    if let Some(word) = user_data.first_chunk_mut::<4>() {
        *word = MESSAGE_PIPE.to_le_bytes();
    }
    Offer {
        class,
        instance,
        flags: PIPE_OFFER,
        mmio_mib: 0,
        user_data,
    }
}
