//! The two headers in front of each message: the pipe's and the component's.
//!
//! | at | bytes | field |
//! |---|---|---|
//! | 0 | 4 | pipe: kind of packet, 1 = data |
//! | 4 | 4 | pipe: bytes that follow |
//! | 8 | 4 | framework version, major and minor |
//! | 12 | 2 | type of message |
//! | 14 | 4 | version of the message, major and minor |
//! | 18 | 2 | bytes of the body |
//! | 20 | 4 | status |
//! | 24 | 1 | transaction |
//! | 25 | 1 | flags: 1 transaction, 2 request, 4 response |
//! | 26 | 2 | reserved |
//!
//! Linux leaves the pipe header of an answer as it was in the request.

use std::fmt;

use super::fields::{bytes_at, u8_at, u16_at, u32_at};

/// Where the body starts: after 8 and 20 bytes.
pub(crate) const BODY_AT: usize = 28;
const PIPE_BYTES: usize = 8;
const HEADER_BYTES: usize = 20;
const PIPE_DATA: u32 = 1;

/// The message wants an answer.
pub(crate) const FLAG_TRANSACTION: u8 = 1;
/// The message asks.
pub(crate) const FLAG_REQUEST: u8 = 2;
/// The message answers.
pub(crate) const FLAG_RESPONSE: u8 = 4;

/// A version of the framework, or of one component's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IcVersion {
    /// What changes when messages do.
    pub major: u16,
    /// What changes when meanings do.
    pub minor: u16,
}

impl IcVersion {
    /// A version by its two numbers.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    pub(super) fn to_bytes(self) -> [u8; 4] {
        let [a, b] = self.major.to_le_bytes();
        let [c, d] = self.minor.to_le_bytes();
        [a, b, c, d]
    }

    pub(super) fn at(bytes: &[u8], at: usize) -> Option<Self> {
        Some(Self::new(
            u16_at(bytes, at)?,
            u16_at(bytes, at.checked_add(2)?)?,
        ))
    }
}

impl fmt::Display for IcVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Negotiate,
    Heartbeat,
    KeyValue,
    Shutdown,
    TimeSync,
    Vss,
    Unknown(u16),
}

impl Kind {
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Negotiate => 0,
            Self::Heartbeat => 1,
            Self::KeyValue => 2,
            Self::Shutdown => 3,
            Self::TimeSync => 4,
            Self::Vss => 5,
            Self::Unknown(number) => number,
        }
    }

    fn of(number: u16) -> Self {
        match number {
            0 => Self::Negotiate,
            1 => Self::Heartbeat,
            2 => Self::KeyValue,
            3 => Self::Shutdown,
            4 => Self::TimeSync,
            5 => Self::Vss,
            other => Self::Unknown(other),
        }
    }
}

/// A message, either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) framework: IcVersion,
    pub(crate) kind: Kind,
    pub(crate) version: IcVersion,
    pub(crate) status: u32,
    pub(crate) transaction: u8,
    pub(crate) flags: u8,
    pub(crate) body: &'a [u8],
}

/// Which rule of the framing a message of the guest breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Malformed {
    #[error("a message of {len} bytes is shorter than its headers")]
    Short { len: usize },
    #[error("the pipe header says {said} bytes, but {there} follow")]
    PipeSize { said: u32, there: usize },
    #[error("the header says a body of {said} bytes, but {there} follow")]
    BodySize { said: u16, there: usize },
    #[error("flags {flags:#04x} are not those of an answer")]
    NoAnswer { flags: u8 },
    #[error("the answer to the negotiation is shorter than the versions that it names")]
    NoVersions,
    #[error(
        "the answer names {frameworks} framework and {messages} message versions, not one each"
    )]
    VersionCount { frameworks: u16, messages: u16 },
    #[error("the guest chose {chosen}, which was not offered")]
    NotOffered { chosen: IcVersion },
}

impl Message<'_> {
    /// The packet that carries it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let body = u16::try_from(self.body.len()).expect("bodies are made here, and are small");
        let follow = u32::from(body).saturating_add(20);
        let mut bytes = Vec::with_capacity(BODY_AT.saturating_add(self.body.len()));
        bytes.extend_from_slice(&PIPE_DATA.to_le_bytes());
        bytes.extend_from_slice(&follow.to_le_bytes());
        bytes.extend_from_slice(&self.framework.to_bytes());
        bytes.extend_from_slice(&self.kind.number().to_le_bytes());
        bytes.extend_from_slice(&self.version.to_bytes());
        bytes.extend_from_slice(&body.to_le_bytes());
        bytes.extend_from_slice(&self.status.to_le_bytes());
        bytes.extend_from_slice(&[self.transaction, self.flags, 0, 0]);
        bytes.extend_from_slice(self.body);
        bytes
    }
}

impl<'a> Message<'a> {
    /// The message in a packet.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let read = || {
            Some(Message {
                framework: IcVersion::at(bytes, 8)?,
                kind: Kind::of(u16_at(bytes, 12)?),
                version: IcVersion::at(bytes, 14)?,
                status: u32_at(bytes, 20)?,
                transaction: u8_at(bytes, 24)?,
                flags: u8_at(bytes, 25)?,
                body: bytes.get(BODY_AT..)?,
            })
        };
        let short = Malformed::Short { len: bytes.len() };
        let message = read().ok_or(short)?;
        let said = u32_at(bytes, 4).ok_or(short)?;
        let there = bytes.len().saturating_sub(PIPE_BYTES);
        let size = usize::try_from(said).unwrap_or(usize::MAX);
        if size < HEADER_BYTES || size > there {
            return Err(Malformed::PipeSize { said, there });
        }
        let there = size.saturating_sub(HEADER_BYTES);
        let said = u16_at(bytes, 18).ok_or(short)?;
        let size = usize::from(said);
        if size > there {
            return Err(Malformed::BodySize { said, there });
        }
        let body = bytes_at(message.body, 0, size).ok_or(short)?;
        Ok(Message { body, ..message })
    }
}
