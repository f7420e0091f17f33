//! Messages as bytes, put together and taken apart without the bus's own code.

use crate::guid::Guid;

/// A message of a type, with words behind it.
#[must_use]
pub fn message(kind: u32, words: &[u32]) -> Vec<u8> {
    let head = [kind, 0];
    let words = head.iter().chain(words);
    words.flat_map(|word| word.to_le_bytes()).collect()
}

/// The little-endian word at an offset.
pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes[at..at + 4].try_into();
    u32::from_le_bytes(word.expect("four bytes are four"))
}

/// What a guest knows of a device, by the offsets of Linux's `vmbus_channel_offer_channel`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestOffer {
    /// Offset 8.
    pub class: Guid,
    /// Offset 24.
    pub instance: Guid,
    /// Offset 56.
    pub flags: u16,
    /// Offset 58.
    pub mmio_mib: u16,
    /// Offset 60.
    pub user_data: Vec<u8>,
    /// Offset 180.
    pub sub_channel: u16,
    /// Offset 184.
    pub relid: u32,
    /// Offset 188.
    pub monitor: u8,
    /// Offset 189.
    pub monitor_allocated: u8,
    /// Offset 190.
    pub dedicated_interrupt: u16,
    /// Offset 192.
    pub connection: u32,
}

impl GuestOffer {
    pub(super) fn parse(message: &[u8]) -> Self {
        assert_eq!(message.len(), 196, "the length of an offer");
        let half = |at: usize| u16::from_le_bytes([message[at], message[at + 1]]);
        let guid = |at: usize| {
            let bytes = message[at..at + 16].try_into();
            Guid::from_bytes(bytes.expect("sixteen bytes are sixteen"))
        };
        Self {
            class: guid(8),
            instance: guid(24),
            flags: half(56),
            mmio_mib: half(58),
            user_data: message[60..180].to_vec(),
            sub_channel: half(180),
            relid: word(message, 184),
            monitor: message[188],
            monitor_allocated: message[189],
            dedicated_interrupt: half(190),
            connection: word(message, 192),
        }
    }
}
