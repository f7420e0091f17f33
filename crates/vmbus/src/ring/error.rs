//! The rules of rings, each with the numbers that show it broken.

use std::fmt;

use crate::memory::OutsideMemory;
use crate::pages::RangeError;

/// Why a ring cannot be used, or not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RingError {
    /// Its pages are not memory.
    #[error("the ring's pages are not memory")]
    Memory(#[from] OutsideMemory),
    /// The pair does not begin with a page.
    #[error("the rings start {offset} bytes into a page")]
    NotAtPage {
        /// Where in the page.
        offset: u32,
    },
    /// The pair does not end with a page.
    #[error("{len} bytes of rings are not whole pages")]
    NotWholePages {
        /// How many bytes.
        len: u32,
    },
    /// A ring is a control page and at least one page of data.
    #[error(
        "of {pages} pages the second ring starts at {host_to_guest_page}: each needs at least two"
    )]
    TooFewPages {
        /// How many pages both have.
        pages: u32,
        /// Where the host-to-guest ring starts.
        host_to_guest_page: u32,
    },
    /// An index is not in the data.
    #[error("the {index} is {value:#x}, and the ring has {ring:#x} bytes")]
    IndexOutside {
        /// Which one.
        index: Index,
        /// Its value.
        value: u32,
        /// How many bytes of data the ring has.
        ring: u32,
    },
    /// Packets start at multiples of eight.
    #[error("the {index} is {value:#x}, not a multiple of eight")]
    IndexUnaligned {
        /// Which one.
        index: Index,
        /// Its value.
        value: u32,
    },
    /// There is something, and it is less than a packet's header.
    #[error("{available} bytes in the ring are less than a packet's header")]
    HeaderCut {
        /// How many bytes there are.
        available: u32,
    },
    /// A header is shorter than what every header has.
    #[error("a packet of type {kind} has a header of {header} bytes, at least {least} are needed")]
    HeaderTooShort {
        /// The packet's type.
        kind: u16,
        /// How long it says that its header is.
        header: u32,
        /// How long it has to be.
        least: u32,
    },
    /// A header is longer than its packet.
    #[error("a packet of {packet} bytes has a header of {header} bytes")]
    HeaderBeyondPacket {
        /// How long it says that its header is.
        header: u32,
        /// How long it says that it is.
        packet: u32,
    },
    /// A packet, with the eight bytes behind it, is longer than what is in the ring.
    #[error("a packet of {packet} bytes and its trailer are more than the {available} in the ring")]
    PacketBeyondData {
        /// How long it says that it is.
        packet: u32,
        /// How many bytes there are.
        available: u32,
    },
    /// A packet is of a type that guests do not send.
    #[error("a packet has the type {kind}")]
    UnknownType {
        /// The type.
        kind: u16,
    },
    /// A packet has flags that we do not know.
    #[error("a packet has the flags {flags:#x}")]
    UnknownFlags {
        /// The flags.
        flags: u16,
    },
    /// A packet with ranges of memory has none.
    #[error("a packet with ranges of memory has none")]
    NoRanges,
    /// The ranges of a packet do not fit into its header.
    #[error("{ranges} ranges do not fit into {bytes} bytes of a packet's header")]
    RangesCut {
        /// How many ranges there should be.
        ranges: u32,
        /// How many bytes of the header they have.
        bytes: u32,
    },
    /// A range of a packet makes no sense.
    #[error("a packet's range of memory is none")]
    Range(#[from] RangeError),
    /// A packet of ours is longer than the ring could ever hold, or than its length field can say.
    #[error("a packet of {needed} bytes never fits into a ring of {ring} bytes")]
    NeverFits {
        /// How many bytes it needs, its trailer included.
        needed: u64,
        /// How many bytes of data the ring has.
        ring: u32,
    },
}

/// An index that the guest writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// Where the guest's next packet goes.
    GuestWrite,
    /// Where the guest reads next.
    GuestRead,
    /// Where we write first, as the guest left it before it opened the channel.
    HostWrite,
    /// Where we read first, as the guest left it before it opened the channel.
    HostRead,
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GuestWrite => "guest's write index",
            Self::GuestRead => "guest's read index",
            Self::HostWrite => "first write index",
            Self::HostRead => "first read index",
        })
    }
}
