//! What a guest asks of the adapter, and what it sets.

use super::fields::{u16_at, u32_at, words};
use super::filter::Filter;
use super::options::Mac;
use super::rndis::{INVALID_DATA, NOT_SUPPORTED};
use super::{Link, MAX_FRAME_BYTES, MTU};

const SUPPORTED_LIST: u32 = 0x0001_0101;
const HARDWARE_STATUS: u32 = 0x0001_0102;
const MEDIA_SUPPORTED: u32 = 0x0001_0103;
const MEDIA_IN_USE: u32 = 0x0001_0104;
const MAXIMUM_LOOKAHEAD: u32 = 0x0001_0105;
const MAXIMUM_FRAME_SIZE: u32 = 0x0001_0106;
const LINK_SPEED: u32 = 0x0001_0107;
const VENDOR_DESCRIPTION: u32 = 0x0001_010d;
const PACKET_FILTER: u32 = 0x0001_010e;
const CURRENT_LOOKAHEAD: u32 = 0x0001_010f;
const MAXIMUM_TOTAL_SIZE: u32 = 0x0001_0111;
const MEDIA_CONNECT_STATUS: u32 = 0x0001_0114;
const RECEIVE_SCALE_CAPABILITIES: u32 = 0x0001_0203;
const PERMANENT_ADDRESS: u32 = 0x0101_0101;
const CURRENT_ADDRESS: u32 = 0x0101_0102;
const MULTICAST_LIST: u32 = 0x0101_0103;
const MAXIMUM_LIST_SIZE: u32 = 0x0101_0104;
const OFFLOAD_CURRENT_CONFIG: u32 = 0xfc01_020b;
const OFFLOAD_PARAMETERS: u32 = 0xfc01_020c;
const OFFLOAD_CAPABILITIES: u32 = 0xfc01_020d;

/// All of the above, as [`SUPPORTED_LIST`] answers.
const SUPPORTED: [u32; 20] = [
    SUPPORTED_LIST,
    HARDWARE_STATUS,
    MEDIA_SUPPORTED,
    MEDIA_IN_USE,
    MAXIMUM_LOOKAHEAD,
    MAXIMUM_FRAME_SIZE,
    LINK_SPEED,
    VENDOR_DESCRIPTION,
    PACKET_FILTER,
    CURRENT_LOOKAHEAD,
    MAXIMUM_TOTAL_SIZE,
    MEDIA_CONNECT_STATUS,
    RECEIVE_SCALE_CAPABILITIES,
    PERMANENT_ADDRESS,
    CURRENT_ADDRESS,
    MULTICAST_LIST,
    MAXIMUM_LIST_SIZE,
    OFFLOAD_CURRENT_CONFIG,
    OFFLOAD_PARAMETERS,
    OFFLOAD_CAPABILITIES,
];

/// 10 Gbit/s in units of 100 bit/s: a figure for a wire that does not exist.
const SPEED: u32 = 100_000_000;
/// Multicast addresses that a guest may list.
const LISTED_ADDRESSES: u32 = 32;
/// Objects that a guest sends in to have them filled are not longer than this.
const OBJECT_LIMIT: usize = 512;

/// The types of the two objects that are answered (`NDIS_OBJECT_TYPE_*`).
const OFFLOAD_OBJECT: u8 = 0xa7;
const RSS_OBJECT: u8 = 0x88;

/// What of the adapter can be asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Adapter {
    pub(super) mac: Mac,
    pub(super) link: Link,
    pub(super) filter: Filter,
}

/// What a guest has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Filter(Filter),
    /// Something that needs nothing done.
    Nothing,
}

impl Adapter {
    /// The answer to a query, or the status that refuses it.
    pub(super) fn query(self, oid: u32, input: &[u8]) -> Result<Vec<u8>, u32> {
        let word = |word| Ok(words(&[word]));
        match oid {
            SUPPORTED_LIST => Ok(words(&SUPPORTED)),
            // Ready; Ethernet.
            HARDWARE_STATUS | MEDIA_SUPPORTED | MEDIA_IN_USE => word(0),
            MAXIMUM_LOOKAHEAD | CURRENT_LOOKAHEAD | MAXIMUM_FRAME_SIZE => word(MTU),
            MAXIMUM_TOTAL_SIZE => word(u32::try_from(MAX_FRAME_BYTES).unwrap_or(0)),
            LINK_SPEED => word(SPEED),
            VENDOR_DESCRIPTION => Ok(b"detente\0".to_vec()),
            PACKET_FILTER => word(self.filter.0),
            MEDIA_CONNECT_STATUS => word(match self.link {
                Link::Up => 0,
                Link::Down => 1,
            }),
            PERMANENT_ADDRESS | CURRENT_ADDRESS => Ok(self.mac.bytes().to_vec()),
            MULTICAST_LIST => Ok(Vec::new()),
            MAXIMUM_LIST_SIZE => word(LISTED_ADDRESSES),
            OFFLOAD_CAPABILITIES | OFFLOAD_CURRENT_CONFIG => object(input, OFFLOAD_OBJECT, &[]),
            // Its words: no capabilities, one message, one queue.
            RECEIVE_SCALE_CAPABILITIES => object(input, RSS_OBJECT, &words(&[0, 1, 1])),
            _ => Err(NOT_SUPPORTED),
        }
    }
}

/// What a guest sets, or the status that refuses it.
pub(super) fn set(oid: u32, value: &[u8]) -> Result<Change, u32> {
    match oid {
        PACKET_FILTER => match u32_at(value, 0) {
            Some(filter) => Ok(Change::Filter(Filter(filter))),
            None => Err(INVALID_DATA),
        },
        // There is nothing to offload, so whatever is to be left off is off.
        OFFLOAD_PARAMETERS | MULTICAST_LIST | CURRENT_LOOKAHEAD => Ok(Change::Nothing),
        _ => Err(NOT_SUPPORTED),
    }
}

/// An object of the length and revision that the guest brought, with this content and zeros: the
/// drivers check the header, and an empty or a refused answer stops them.
fn object(input: &[u8], kind: u8, content: &[u8]) -> Result<Vec<u8>, u32> {
    let header = input.first_chunk::<4>().filter(|header| header[0] == kind);
    let header = header.ok_or(INVALID_DATA)?;
    let size = u16_at(input, 2).map(usize::from).unwrap_or(0);
    let least = content.len().saturating_add(4);
    if size < least || size > input.len() || input.len() > OBJECT_LIMIT {
        return Err(INVALID_DATA);
    }
    let mut object = header.to_vec();
    object.extend_from_slice(content);
    object.resize(input.len(), 0);
    Ok(object)
}
