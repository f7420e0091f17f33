//! What devices see of the ring: packets that the guest sent, packets to be sent to it.

use crate::pages::PageRange;

/// A packet that the guest sent, copied out of the ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// What kind of packet it is.
    pub kind: PacketKind,
    /// The number that a completion has to repeat.
    pub transaction: u64,
    /// Whether the guest asks for a completion.
    pub wants_completion: bool,
    /// What follows the header, padding included: a multiple of 8 bytes.
    pub payload: Vec<u8>,
}

/// The kinds of packets that guests send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PacketKind {
    /// Type 6: everything is in the payload.
    InBand,
    /// Type 9: the payload, and ranges of the guest's memory.
    GpaDirect(Vec<PageRange>),
    /// Type 11: the guest is done with a packet of ours.
    Completion,
}

/// A packet to be sent to the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// What kind of packet it is.
    pub kind: OutgoingKind<'a>,
    /// The number that the guest's completion will repeat; for a completion, the guest's own.
    pub transaction: u64,
    /// Whether we ask for a completion.
    pub wants_completion: bool,
    /// What follows the header.
    pub payload: &'a [u8],
}

/// The kinds of packets that we send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutgoingKind<'a> {
    /// Type 6.
    InBand,
    /// Type 7: ranges of a buffer that the guest has lent us.
    TransferPages {
        /// The buffer.
        set: u16,
        /// Offset and length of each range in it, in bytes.
        ranges: &'a [(u32, u32)],
    },
    /// Type 11.
    Completion,
}
