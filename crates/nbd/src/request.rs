//! Requests: what a client wants done with the disk (proto.md, "Request message").

use crate::session::SessionError;
use crate::spec::{
    CMD_BLOCK_STATUS, CMD_DISC, CMD_FLUSH, CMD_READ, CMD_TRIM, CMD_WRITE, CMD_WRITE_ZEROES,
    REQUEST_MAGIC,
};
use crate::wire::Fields;

/// How long a request is, without the bytes to be written.
pub(crate) const REQUEST_BYTES: usize = 28;

/// A request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) flags: u16,
    pub(crate) command: Command,
    /// What the reply repeats.
    pub(crate) cookie: u64,
    pub(crate) offset: u64,
    pub(crate) len: u32,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Read,
    Write,
    Disconnect,
    Flush,
    Trim,
    WriteZeroes,
    BlockStatus,
    Unknown(u16),
}

impl Command {
    fn from_number(number: u16) -> Self {
        match number {
            CMD_READ => Self::Read,
            CMD_WRITE => Self::Write,
            CMD_DISC => Self::Disconnect,
            CMD_FLUSH => Self::Flush,
            CMD_TRIM => Self::Trim,
            CMD_WRITE_ZEROES => Self::WriteZeroes,
            CMD_BLOCK_STATUS => Self::BlockStatus,
            unknown => Self::Unknown(unknown),
        }
    }
}

impl Request {
    /// Reads a request. One without its magic is where another message was expected: nothing after
    /// it can be understood.
    pub(crate) fn parse(bytes: &[u8; REQUEST_BYTES]) -> Result<Self, SessionError> {
        let mut fields = Fields(bytes);
        let mut read = || {
            let magic = fields.u32()?;
            let flags = fields.u16()?;
            let command = Command::from_number(fields.u16()?);
            let request = Self {
                flags,
                command,
                cookie: fields.u64()?,
                offset: fields.u64()?,
                len: fields.u32()?,
            };
            (magic == REQUEST_MAGIC).then_some(request)
        };
        read().ok_or(SessionError::Violation {
            rule: "a request without its magic",
        })
    }

    /// Where the request ends, if that lies inside `len` bytes.
    pub(crate) fn end_inside(&self, len: u64) -> Option<u64> {
        let end = self.offset.checked_add(u64::from(self.len))?;
        (end <= len).then_some(end)
    }
}
