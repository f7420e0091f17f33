//! How a guest asks for a version of the protocol.

use super::fields::Fields;
use super::version::Version;

/// Initiate contact (14): 40 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contact {
    /// The version that the guest wants, as it says it: it need not be one of ours.
    pub(crate) version: u32,
    /// The processor that is to get our messages.
    pub(crate) target_vp: u32,
    /// From 5.0 on, the interrupt source and the trust level that are to get them.
    pub(crate) route: Option<Route>,
}

/// Where messages are to go, besides the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) sint: u8,
    pub(crate) vtl: u8,
}

impl Contact {
    /// The length of the message.
    const BYTES: usize = 40;

    pub(super) fn parse(message: Fields<'_>) -> Option<Self> {
        // What follows: the interrupt page of guests before 5.0, which is unused since every
        // channel of ours has its own flag, and two monitor pages, which no offer asks for.
        message.rest(Self::BYTES)?;
        let version = message.u32(8)?;
        let route = Route {
            sint: message.u8(16)?,
            vtl: message.u8(17)?,
        };
        Some(Self {
            version,
            target_vp: message.u32(12)?,
            route: speaks_on_connection_4(version).then_some(route),
        })
    }

    /// The connection on which a guest asks for such a version.
    pub(crate) fn connection(&self) -> u32 {
        connection_of(self.version)
    }
}

/// Guests ask for 5.0 and newer on connection 4, for older ones on connection 1.
pub(super) fn connection_of(version: u32) -> u32 {
    if speaks_on_connection_4(version) {
        4
    } else {
        1
    }
}

fn speaks_on_connection_4(version: u32) -> bool {
    version >= Version::V5_0.raw()
}

impl Version {
    /// The connection that carries the guest's messages.
    pub(crate) fn connection(self) -> u32 {
        connection_of(self.raw())
    }
}
