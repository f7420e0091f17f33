//! Replies (proto.md, "Simple reply message" and "Structured reply chunk message").

use std::io;

use detente_block::{ReadError, WriteError, with_causes};
use rustix::io::Errno;

use crate::request::Request;
use crate::spec::{
    REPLY_FLAG_DONE, REPLY_TYPE_ERROR, REPLY_TYPE_ERROR_OFFSET, REPLY_TYPE_NONE,
    SIMPLE_REPLY_MAGIC, STRUCTURED_REPLY_MAGIC,
};
use crate::wire::Wire;

/// How much of an error is told; the protocol allows 4,096 bytes.
const MESSAGE_BYTES: usize = 1024;

/// "Error values".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorValue {
    NotPermitted,
    Io,
    Invalid,
    NoSpace,
    Overflow,
}

impl ErrorValue {
    fn number(self) -> u32 {
        match self {
            Self::NotPermitted => 1,
            Self::Io => 5,
            Self::Invalid => 22,
            Self::NoSpace => 28,
            Self::Overflow => 75,
        }
    }
}

/// Why a request was not carried out.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) value: ErrorValue,
    message: String,
    /// Where the disk failed.
    offset: Option<u64>,
}

impl Refusal {
    pub(crate) fn new(value: ErrorValue, message: &str) -> Self {
        Self {
            value,
            message: message.to_owned(),
            offset: None,
        }
    }

    /// The disk failed a read of what lies at `offset`.
    pub(crate) fn read(error: &ReadError, offset: u64) -> Self {
        Self {
            value: ErrorValue::Io,
            message: with_causes(error),
            offset: Some(offset),
        }
    }

    /// The disk failed a write.
    pub(crate) fn write(error: &WriteError) -> Self {
        let value = match error {
            WriteError::Io { source, .. } if is_full(source) => ErrorValue::NoSpace,
            WriteError::PastEnd { .. } => ErrorValue::NoSpace,
            WriteError::Unsupported { .. } => ErrorValue::NotPermitted,
            _ => ErrorValue::Io,
        };
        Self {
            value,
            message: with_causes(error),
            offset: None,
        }
    }
}

/// "Error values": what else means that there is no room.
fn is_full(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG)
    )
}

/// A simple reply without data.
pub(crate) fn simple(wire: &mut Wire<'_>, request: &Request, error: u32) -> io::Result<()> {
    wire.put(&SIMPLE_REPLY_MAGIC.to_be_bytes())?;
    wire.put(&error.to_be_bytes())?;
    wire.put(&request.cookie.to_be_bytes())
}

/// A simple reply that the request was not carried out.
pub(crate) fn simple_refusal(
    wire: &mut Wire<'_>,
    request: &Request,
    refusal: &Refusal,
) -> io::Result<()> {
    simple(wire, request, refusal.value.number())
}

/// The head of a chunk, whose `len` bytes are to follow.
pub(crate) fn chunk(
    wire: &mut Wire<'_>,
    request: &Request,
    (flags, kind): (u16, u16),
    len: u32,
) -> io::Result<()> {
    wire.put(&STRUCTURED_REPLY_MAGIC.to_be_bytes())?;
    wire.put(&flags.to_be_bytes())?;
    wire.put(&kind.to_be_bytes())?;
    wire.put(&request.cookie.to_be_bytes())?;
    wire.put(&len.to_be_bytes())
}

/// The chunk that ends a reply and says nothing.
pub(crate) fn done(wire: &mut Wire<'_>, request: &Request) -> io::Result<()> {
    chunk(wire, request, (REPLY_FLAG_DONE, REPLY_TYPE_NONE), 0)
}

/// The chunk that ends a reply with an error, where it was and what it was.
pub(crate) fn refusal(wire: &mut Wire<'_>, request: &Request, refusal: &Refusal) -> io::Result<()> {
    let message = refusal.message.as_str();
    let end = message.floor_char_boundary(message.len().min(MESSAGE_BYTES));
    let message = message.get(..end).unwrap_or_default().as_bytes();
    let message_len = u16::try_from(message.len()).expect("it was cut");
    let (kind, fixed) = match refusal.offset {
        Some(_) => (REPLY_TYPE_ERROR_OFFSET, 14),
        None => (REPLY_TYPE_ERROR, 6),
    };
    let len = u32::from(message_len).saturating_add(fixed);
    chunk(wire, request, (REPLY_FLAG_DONE, kind), len)?;
    wire.put(&refusal.value.number().to_be_bytes())?;
    wire.put(&message_len.to_be_bytes())?;
    wire.put(message)?;
    match refusal.offset {
        Some(offset) => wire.put(&offset.to_be_bytes()),
        None => Ok(()),
    }
}
