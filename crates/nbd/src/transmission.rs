//! The transmission phase: requests and their replies, one after the other (proto.md,
//! "Transmission").

use std::io;

use crate::export::Export;
use crate::handshake::Replies;
use crate::reply::{self, ErrorValue, Refusal};
use crate::request::{Command, REQUEST_BYTES, Request};
use crate::session::{Ended, SessionError};
use crate::spec::{CMD_FLAG_DF, CMD_FLAG_FUA, CMD_FLAG_NO_HOLE, CMD_FLAG_REQ_ONE};
use crate::wire::Wire;

/// A client that uses the export.
pub(crate) struct Transmission<'w, 'a> {
    pub(crate) wire: &'w mut Wire<'a>,
    pub(crate) export: &'w Export,
    pub(crate) replies: Replies,
    /// What is read or written; kept from one request to the next.
    pub(crate) buffer: Vec<u8>,
}

/// Carries out requests until the client leaves.
pub(crate) fn transmit(
    wire: &mut Wire<'_>,
    export: &Export,
    replies: Replies,
) -> Result<Ended, SessionError> {
    let mut transmission = Transmission {
        wire,
        export,
        replies,
        buffer: Vec::new(),
    };
    loop {
        let Some(bytes) = transmission.wire.message::<REQUEST_BYTES>()? else {
            return Ok(Ended::HungUp);
        };
        let request = Request::parse(&bytes)?;
        if request.command == Command::Disconnect {
            return Ok(Ended::Disconnected);
        }
        transmission.carry_out(&request)?;
        transmission.wire.flush()?;
    }
}

impl Transmission<'_, '_> {
    fn carry_out(&mut self, request: &Request) -> Result<(), SessionError> {
        let refused = self.refuse_flags(request);
        match (request.command, refused) {
            (Command::Write, refused) => {
                let result = self.write(request, refused)?;
                Ok(self.tell(request, result)?)
            }
            (_, Some(refusal)) => Ok(self.tell(request, Err(refusal))?),
            (Command::Read, None) => Ok(self.read(request)?),
            (Command::BlockStatus, None) => Ok(self.block_status(request)?),
            (Command::Flush, None) => {
                let result = self.flush(request);
                Ok(self.tell(request, result)?)
            }
            (Command::Trim, None) => {
                let result = self.trim(request);
                Ok(self.tell(request, result)?)
            }
            (Command::WriteZeroes, None) => {
                let result = self.write_zeroes(request);
                Ok(self.tell(request, result)?)
            }
            (Command::Disconnect, None) => Ok(()),
            (Command::Unknown(_), None) => {
                let refusal = Refusal::new(ErrorValue::Invalid, "an unknown command");
                Ok(self.tell(request, Err(refusal))?)
            }
        }
    }

    /// "Command flags": what is not documented for a command is invalid; FUA is for all.
    fn refuse_flags(&self, request: &Request) -> Option<Refusal> {
        let structured = self.replies != Replies::Simple;
        let own = match request.command {
            Command::Read if structured => CMD_FLAG_DF,
            Command::WriteZeroes => CMD_FLAG_NO_HOLE,
            Command::BlockStatus => CMD_FLAG_REQ_ONE,
            Command::Read
            | Command::Write
            | Command::Disconnect
            | Command::Flush
            | Command::Trim
            | Command::Unknown(_) => 0,
        };
        let everywhere = match self.export.writer() {
            Some(_) => CMD_FLAG_FUA,
            None => 0,
        };
        let unknown = request.flags & !(own | everywhere);
        let what = "a flag that this command does not have here";
        (unknown != 0).then(|| Refusal::new(ErrorValue::Invalid, what))
    }

    /// Tells what came of a request whose reply has no data.
    pub(crate) fn tell(
        &mut self,
        request: &Request,
        result: Result<(), Refusal>,
    ) -> io::Result<()> {
        match (self.replies, result) {
            (Replies::Simple, Ok(())) => reply::simple(self.wire, request, 0),
            (Replies::Simple, Err(refusal)) => reply::simple_refusal(self.wire, request, &refusal),
            (Replies::Structured { .. }, Ok(())) => reply::done(self.wire, request),
            (Replies::Structured { .. }, Err(refusal)) => {
                reply::refusal(self.wire, request, &refusal)
            }
        }
    }
}
