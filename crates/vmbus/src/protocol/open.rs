//! How a guest opens a channel.

use super::fields::Fields;

/// Open (5): 148 bytes, of which the last 120 are for the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenRequest {
    pub(crate) relid: u32,
    /// Repeated in the answer.
    pub(crate) open_id: u32,
    /// The memory of both rings.
    pub(crate) ring_gpadl: u32,
    /// The processor that the channel interrupts.
    pub(crate) target_vp: u32,
    /// The page of the GPADL at which the host-to-guest ring starts.
    pub(crate) host_to_guest_page: u32,
}

impl OpenRequest {
    const BYTES: usize = 148;

    pub(super) fn parse(message: Fields<'_>) -> Option<Self> {
        message.rest(Self::BYTES)?;
        Some(Self {
            relid: message.u32(8)?,
            open_id: message.u32(12)?,
            ring_gpadl: message.u32(16)?,
            target_vp: message.u32(20)?,
            host_to_guest_page: message.u32(24)?,
        })
    }
}
