//! What guests post.

use super::contact::Contact;
use super::fields::Fields;
use super::gpadl::{GpadlBody, GpadlHeader};
use super::kind;
use super::open::OpenRequest;

/// A message of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    AskOffers,
    Open(OpenRequest),
    Close { relid: u32 },
    GpadlHeader(GpadlHeader<'a>),
    GpadlBody(GpadlBody<'a>),
    GpadlTeardown { relid: u32, gpadl: u32 },
    RelidReleased { relid: u32 },
    InitiateContact(Contact),
    Unload,
    SocketConnect,
    ModifyChannel { relid: u32, target_vp: u32 },
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// No type is so short, or this one is longer.
    TooShort,
    /// Guests post no such type.
    Unknown,
}

impl<'a> Request<'a> {
    /// Takes a message apart. Bytes beyond those that its type has are ignored.
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Self, Malformed> {
        let message = Fields(payload);
        let kind = message.u32(0).ok_or(Malformed::TooShort)?;
        message.rest(8).ok_or(Malformed::TooShort)?;
        let parsed = match kind {
            kind::REQUEST_OFFERS => Some(Self::AskOffers),
            kind::OPEN => OpenRequest::parse(message).map(Self::Open),
            kind::CLOSE => message.u32(8).map(|relid| Self::Close { relid }),
            kind::GPADL_HEADER => GpadlHeader::parse(message).map(Self::GpadlHeader),
            kind::GPADL_BODY => GpadlBody::parse(message).map(Self::GpadlBody),
            kind::GPADL_TEARDOWN => Self::teardown(message),
            kind::RELID_RELEASED => message.u32(8).map(|relid| Self::RelidReleased { relid }),
            kind::INITIATE_CONTACT => Contact::parse(message).map(Self::InitiateContact),
            kind::UNLOAD => Some(Self::Unload),
            kind::SOCKET_CONNECT => Some(Self::SocketConnect),
            kind::MODIFY_CHANNEL => Self::modify(message),
            _ => return Err(Malformed::Unknown),
        };
        parsed.ok_or(Malformed::TooShort)
    }

    fn teardown(message: Fields<'_>) -> Option<Self> {
        Some(Self::GpadlTeardown {
            relid: message.u32(8)?,
            gpadl: message.u32(12)?,
        })
    }

    fn modify(message: Fields<'_>) -> Option<Self> {
        Some(Self::ModifyChannel {
            relid: message.u32(8)?,
            target_vp: message.u32(12)?,
        })
    }
}
