//! RNDIS: the messages that NVSP carries. Offsets in them count from byte 8 of the message.

use super::fields::{span, u32_at, words};

/// From where offsets count.
pub(super) const BASE: usize = 8;

/// The status of an answer (`RNDIS_STATUS_*`, which are NDIS's).
pub(super) const SUCCESS: u32 = 0;
/// We do not do that.
pub(super) const NOT_SUPPORTED: u32 = 0xc000_00bb;
/// What came with the request makes no sense.
pub(super) const INVALID_DATA: u32 = 0xc001_0015;

/// How many frames one packet may carry, and to what power of two each is padded: said to the
/// guest, which then saves packets.
const FRAMES_IN_A_PACKET: u32 = 8;
const ALIGNMENT_POWER: u32 = 3;

/// A message that is no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// 2: begin.
    Initialize { id: u32 },
    /// 3: end.
    Halt,
    /// 4: what is ...?
    Query { id: u32, oid: u32, input: &'a [u8] },
    /// 5: ... shall be.
    Set { id: u32, oid: u32, value: &'a [u8] },
    /// 6: begin again.
    Reset,
    /// 8: are you there?
    KeepAlive { id: u32 },
}

/// The message at the start of `bytes`, by its own length, and what follows it.
pub(super) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = usize::try_from(u32_at(bytes, 4)?).ok()?;
    if len < BASE {
        return None;
    }
    bytes.split_at_checked(len)
}

impl<'a> Request<'a> {
    /// The request in a message; `None` when it is cut off or of a kind that guests do not send.
    pub(super) fn parse(message: &'a [u8]) -> Option<Self> {
        let word = |at| u32_at(message, at);
        let id = word(8);
        Some(match word(0)? {
            2 => {
                // Version 1.0 is the only one; its fields have to be there.
                word(12)?;
                word(16)?;
                Self::Initialize { id: id? }
            }
            3 => Self::Halt,
            4 => Self::Query {
                id: id?,
                oid: word(12)?,
                input: information(message)?,
            },
            5 => Self::Set {
                id: id?,
                oid: word(12)?,
                value: information(message)?,
            },
            6 => Self::Reset,
            8 => Self::KeepAlive { id: id? },
            _ => return None,
        })
    }
}

/// The information buffer of a query or set.
fn information(message: &[u8]) -> Option<&[u8]> {
    let (len, offset) = (u32_at(message, 16)?, u32_at(message, 20)?);
    if len == 0 {
        return Some(&[]);
    }
    span(message, BASE, offset, len)
}

/// The answer to 2.
pub(super) fn initialize_complete(id: u32) -> Vec<u8> {
    // Version 1.0; connectionless; Ethernet; then what a packet may carry, and no address families.
    let (frames, bytes) = (FRAMES_IN_A_PACKET, super::gather::GATHER_LIMIT);
    let head = [0x8000_0002, 52, id, SUCCESS, 1, 0, 1, 0];
    let tail = [frames, bytes, ALIGNMENT_POWER, 0, 0];
    words(&[head.as_slice(), &tail].concat())
}

/// The answer to 4.
pub(super) fn query_complete(id: u32, answer: Result<Vec<u8>, u32>) -> Vec<u8> {
    let (status, information) = match answer {
        Ok(information) => (SUCCESS, information),
        Err(status) => (status, Vec::new()),
    };
    let len = u32::try_from(information.len()).unwrap_or(0);
    let message_len = len.saturating_add(24);
    // Even of nothing the offset is said.
    let mut message = words(&[0x8000_0004, message_len, id, status, len, 16]);
    message.extend(information);
    message
}

/// The answer to 5.
pub(super) fn set_complete(id: u32, status: u32) -> Vec<u8> {
    words(&[0x8000_0005, 16, id, status])
}

/// The answer to 6. Addresses and filters need not be set again.
pub(super) fn reset_complete() -> Vec<u8> {
    words(&[0x8000_0006, 16, SUCCESS, 0])
}

/// The answer to 8.
pub(super) fn keep_alive_complete(id: u32) -> Vec<u8> {
    words(&[0x8000_0008, 16, id, SUCCESS])
}

/// 7: the cable is in, or out.
pub(super) fn link_changed(link: super::Link) -> Vec<u8> {
    let status = match link {
        super::Link::Up => 0x4001_000b,
        super::Link::Down => 0x4001_000c,
    };
    words(&[7, 20, status, 0, 0])
}
