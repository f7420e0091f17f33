//! What the bus answers, and what it says unasked.

use super::kind;
use super::offer::OfferMessage;
use super::version::Version;

/// The NTSTATUS of what went well.
pub(crate) const STATUS_SUCCESS: u32 = 0;

/// The NTSTATUS of what did not; OpenVMM answers the same.
pub(crate) const STATUS_UNSUCCESSFUL: u32 = 0xc000_0001;

/// A message to the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Response {
    Offer(OfferMessage),
    Rescind {
        relid: u32,
    },
    AllOffersDelivered,
    OpenResult {
        relid: u32,
        open_id: u32,
        status: u32,
    },
    GpadlCreated {
        relid: u32,
        gpadl: u32,
        status: u32,
    },
    GpadlTornDown {
        gpadl: u32,
    },
    /// `None` refuses the version that was asked for.
    Version(Option<Version>),
    Unload,
    ModifyResult {
        relid: u32,
        status: u32,
    },
}

impl Response {
    /// The message as it lies in the slot.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Offer(offer) => message(kind::OFFER, &offer.body()),
            Self::Rescind { relid } => words(kind::RESCIND, &[relid]),
            Self::AllOffersDelivered => words(kind::ALL_OFFERS_DELIVERED, &[]),
            Self::OpenResult {
                relid,
                open_id,
                status,
            } => words(kind::OPEN_RESULT, &[relid, open_id, status]),
            Self::GpadlCreated {
                relid,
                gpadl,
                status,
            } => words(kind::GPADL_CREATED, &[relid, gpadl, status]),
            Self::GpadlTornDown { gpadl } => words(kind::GPADL_TORN_DOWN, &[gpadl]),
            Self::Version(version) => words(kind::VERSION_RESPONSE, &version_words(version)),
            Self::Unload => words(kind::UNLOAD_RESPONSE, &[]),
            Self::ModifyResult { relid, status } => words(kind::MODIFY_RESPONSE, &[relid, status]),
        }
    }
}

/// Supported or not, a connection state of 0, two reserved bytes; then the version that was chosen,
/// or from 5.0 on the connection for all further messages.
fn version_words(version: Option<Version>) -> [u32; 2] {
    match version {
        None => [0, 0],
        Some(version) if version >= Version::V5_0 => [1, version.connection()],
        Some(version) => [1, version.raw()],
    }
}

fn words(kind: u32, words: &[u32]) -> Vec<u8> {
    let body: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    message(kind, &body)
}

fn message(kind: u32, body: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), &[0; 4], body].concat()
}
