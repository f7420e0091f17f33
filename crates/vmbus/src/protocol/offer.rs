//! How a guest is told of a device.

use crate::device::Offer;

/// Offer (1): 196 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OfferMessage {
    pub(crate) offer: Offer,
    pub(crate) relid: u32,
    /// The connection by which the guest signals the channel.
    pub(crate) connection: u32,
}

impl OfferMessage {
    /// What follows the type.
    pub(super) fn body(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(188);
        out.extend_from_slice(&self.offer.class.to_bytes());
        out.extend_from_slice(&self.offer.instance.to_bytes());
        out.extend_from_slice(&[0; 16]);
        out.extend_from_slice(&self.offer.flags.to_le_bytes());
        out.extend_from_slice(&self.offer.mmio_mib.to_le_bytes());
        out.extend_from_slice(&self.offer.user_data);
        // The sub-channel's index, and two reserved bytes.
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.relid.to_le_bytes());
        // No monitor: signals are hypercalls, never a bit in a page that is looked at now and then.
        out.extend_from_slice(&[0xff, 0]);
        // A dedicated interrupt: the guest sets no bit in the interrupt page.
        out.extend_from_slice(&1_u16.to_le_bytes());
        out.extend_from_slice(&self.connection.to_le_bytes());
        out
    }
}
