//! What guests post.

use super::contact::Contact;
use super::fields::Fields;
use super::gpadl::{GpadlBody, GpadlHeader};
use super::kind;
use super::open::OpenRequest;

/// A message of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    InitiateContact(Contact),
    Unload,
    Connected(ConnectedRequest<'a>),
}

/// A message of a guest that has agreed upon a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectedRequest<'a> {
    RequestOffers,
    Open(OpenRequest),
    Close { relid: u32 },
    GpadlHeader(GpadlHeader<'a>),
    GpadlBody(GpadlBody<'a>),
    GpadlTeardown { relid: u32, gpadl: u32 },
    RelidReleased { relid: u32 },
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
            kind::INITIATE_CONTACT => Contact::parse(message).map(Self::InitiateContact),
            kind::UNLOAD => Some(Self::Unload),
            kind => ConnectedRequest::parse(kind, message)?.map(Self::Connected),
        };
        parsed.ok_or(Malformed::TooShort)
    }
}

impl<'a> ConnectedRequest<'a> {
    /// `None` when the message is too short.
    fn parse(kind: u32, message: Fields<'a>) -> Result<Option<Self>, Malformed> {
        Ok(match kind {
            kind::REQUEST_OFFERS => Some(Self::RequestOffers),
            kind::OPEN => OpenRequest::parse(message).map(Self::Open),
            kind::CLOSE => message.u32(8).map(|relid| Self::Close { relid }),
            kind::GPADL_HEADER => GpadlHeader::parse(message).map(Self::GpadlHeader),
            kind::GPADL_BODY => GpadlBody::parse(message).map(Self::GpadlBody),
            kind::GPADL_TEARDOWN => {
                two_words(message).map(|[relid, gpadl]| Self::GpadlTeardown { relid, gpadl })
            }
            kind::RELID_RELEASED => message.u32(8).map(|relid| Self::RelidReleased { relid }),
            kind::SOCKET_CONNECT => Some(Self::SocketConnect),
            kind::MODIFY_CHANNEL => two_words(message)
                .map(|[relid, target_vp]| Self::ModifyChannel { relid, target_vp }),
            _ => return Err(Malformed::Unknown),
        })
    }
}

fn two_words(message: Fields<'_>) -> Option<[u32; 2]> {
    Some([message.u32(8)?, message.u32(12)?])
}
