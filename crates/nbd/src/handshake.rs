//! The handshake: fixed newstyle negotiation (proto.md, "Handshake").

use std::io;

use crate::export::Export;
use crate::option::{ContextRequest, InfoRequest};
use crate::session::{Ended, SessionError};
use crate::spec::{
    ALLOCATION_ID, BASE, BASE_ALLOCATION, FLAG_FIXED_NEWSTYLE, FLAG_NO_ZEROES, FLAG_SEND_DF,
    IHAVEOPT, INFO_BLOCK_SIZE, INFO_EXPORT, INFO_NAME, MAX_OPTION_BYTES, MAX_OPTIONS,
    MAX_REQUEST_BYTES, NBDMAGIC, OPT_ABORT, OPT_EXPORT_NAME, OPT_GO, OPT_INFO, OPT_LIST,
    OPT_LIST_META_CONTEXT, OPT_SET_META_CONTEXT, OPT_STRUCTURED_REPLY, OPTION_REPLY_MAGIC,
    PREFERRED_BYTES, REP_ACK, REP_ERR_INVALID, REP_ERR_TOO_BIG, REP_ERR_UNKNOWN, REP_ERR_UNSUP,
    REP_INFO, REP_META_CONTEXT, REP_SERVER,
};
use crate::wire::{Fields, Wire};

/// How replies look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replies {
    /// Simple ones only.
    Simple,
    /// Structured ones.
    Structured {
        /// Whether `base:allocation` was selected.
        status: bool,
    },
}

/// What came of the negotiation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreed {
    Ended(Ended),
    Transmission(Replies),
}

/// Negotiates with a client until it uses the export or leaves.
pub(crate) fn negotiate(wire: &mut Wire<'_>, export: &Export) -> Result<Agreed, SessionError> {
    let ours = FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES;
    wire.put(&NBDMAGIC.to_be_bytes())?;
    wire.put(&IHAVEOPT.to_be_bytes())?;
    wire.put(&ours.to_be_bytes())?;
    wire.flush()?;
    let Some(flags) = wire.message()?.map(u32::from_be_bytes) else {
        return Ok(Agreed::Ended(Ended::HungUp));
    };
    // "Client flags": the server must hang up on one that it does not know.
    if flags & !u32::from(ours) != 0 {
        return Err(violation("unknown client flags"));
    }
    let mut haggling = Haggling {
        wire,
        export,
        fixed: flags & u32::from(FLAG_FIXED_NEWSTYLE) != 0,
        zeroes: flags & u32::from(FLAG_NO_ZEROES) == 0,
        replies: Replies::Simple,
    };
    for _ in 0..MAX_OPTIONS {
        if let Some(agreed) = haggling.option()? {
            return Ok(agreed);
        }
    }
    Err(violation("more options than anybody needs"))
}

/// The state of a negotiation.
struct Haggling<'w, 'a> {
    wire: &'w mut Wire<'a>,
    export: &'w Export,
    /// Whether the client knows options other than the export's name.
    fixed: bool,
    /// Whether the reply to `NBD_OPT_EXPORT_NAME` ends with zeroes.
    zeroes: bool,
    replies: Replies,
}

impl Haggling<'_, '_> {
    /// Deals with one option; gives something when it was the last one.
    fn option(&mut self) -> Result<Option<Agreed>, SessionError> {
        let Some(head) = self.wire.message::<16>()? else {
            return Ok(Some(Agreed::Ended(Ended::HungUp)));
        };
        let mut fields = Fields(&head);
        let (magic, option, len) = (fields.u64(), fields.u32(), fields.u32());
        if magic != Some(IHAVEOPT) {
            return Err(violation("an option without its magic"));
        }
        let (option, len) = (option.unwrap_or(0), len.unwrap_or(0));
        // "Fixed newstyle negotiation": without the flag there is only this one.
        if option != OPT_EXPORT_NAME && !self.fixed {
            return Err(violation("an option that needs the fixed newstyle flag"));
        }
        let Some(data) = self.data(len)? else {
            if option == OPT_EXPORT_NAME {
                return Err(violation("the name of an export that is not there"));
            }
            self.reply(option, REP_ERR_TOO_BIG, b"more data than an option needs")?;
            self.wire.flush()?;
            return Ok(None);
        };
        let agreed = self.answer(option, &data)?;
        self.wire.flush()?;
        Ok(agreed)
    }

    /// The data of an option; nothing where it is longer than any needs, and it is passed over.
    fn data(&mut self, len: u32) -> Result<Option<Vec<u8>>, SessionError> {
        if len > MAX_REQUEST_BYTES {
            return Err(violation("an option with more than 32 MiB of data"));
        }
        if len > MAX_OPTION_BYTES {
            self.wire.skip(len)?;
            return Ok(None);
        }
        let mut data = vec![0; usize::try_from(len).unwrap_or(0)];
        self.wire.fill(&mut data)?;
        Ok(Some(data))
    }

    fn answer(&mut self, option: u32, data: &[u8]) -> Result<Option<Agreed>, SessionError> {
        match option {
            OPT_EXPORT_NAME => self.export_name(data).map(Some),
            OPT_ABORT => {
                self.reply(option, REP_ACK, b"")?;
                Ok(Some(Agreed::Ended(Ended::Aborted)))
            }
            OPT_LIST => {
                self.list(data)?;
                Ok(None)
            }
            OPT_INFO => {
                self.info(option, data)?;
                Ok(None)
            }
            OPT_GO => {
                let goes = self.info(option, data)?;
                Ok(goes.then_some(Agreed::Transmission(self.replies)))
            }
            OPT_STRUCTURED_REPLY => {
                self.structured_reply(data)?;
                Ok(None)
            }
            OPT_LIST_META_CONTEXT | OPT_SET_META_CONTEXT => {
                self.contexts(option, data)?;
                Ok(None)
            }
            _ => {
                self.reply(option, REP_ERR_UNSUP, b"this option is not known here")?;
                Ok(None)
            }
        }
    }

    fn export_name(&mut self, name: &[u8]) -> Result<Agreed, SessionError> {
        if !name.is_empty() {
            return Err(violation("the name of an export that is not there"));
        }
        let (size, flags) = (self.export.reader().len_bytes(), self.flags());
        self.wire.put(&size.to_be_bytes())?;
        self.wire.put(&flags.to_be_bytes())?;
        if self.zeroes {
            self.wire.put(&[0; 124])?;
        }
        Ok(Agreed::Transmission(self.replies))
    }

    fn list(&mut self, data: &[u8]) -> io::Result<()> {
        if !data.is_empty() {
            return self.reply(OPT_LIST, REP_ERR_INVALID, b"a list takes no data");
        }
        // The length of the only export's name, which is empty.
        self.reply(OPT_LIST, REP_SERVER, &0_u32.to_be_bytes())?;
        self.reply(OPT_LIST, REP_ACK, b"")
    }

    /// Says what the export is; whether there is one of that name.
    fn info(&mut self, option: u32, data: &[u8]) -> io::Result<bool> {
        let Some(request) = InfoRequest::parse(data) else {
            self.reply(option, REP_ERR_INVALID, b"a length does not fit")?;
            return Ok(false);
        };
        if !request.name.is_empty() {
            self.reply(option, REP_ERR_UNKNOWN, NO_SUCH_EXPORT)?;
            return Ok(false);
        }
        let size = self.export.reader().len_bytes().to_be_bytes();
        self.inform(option, INFO_EXPORT, &[&size, &self.flags().to_be_bytes()])?;
        if request.wanted.contains(&INFO_NAME) {
            self.inform(option, INFO_NAME, &[])?;
        }
        if request.wanted.contains(&INFO_BLOCK_SIZE) {
            let sizes = [1, PREFERRED_BYTES, MAX_REQUEST_BYTES].map(u32::to_be_bytes);
            self.inform(option, INFO_BLOCK_SIZE, &[sizes.as_flattened()])?;
        }
        self.reply(option, REP_ACK, b"")?;
        Ok(true)
    }

    fn inform(&mut self, option: u32, kind: u16, parts: &[&[u8]]) -> io::Result<()> {
        let data = [&kind.to_be_bytes()[..], &parts.concat()].concat();
        self.reply(option, REP_INFO, &data)
    }

    fn structured_reply(&mut self, data: &[u8]) -> io::Result<()> {
        let option = OPT_STRUCTURED_REPLY;
        if !data.is_empty() {
            return self.reply(option, REP_ERR_INVALID, b"this option takes no data");
        }
        match self.replies {
            Replies::Structured { .. } => {
                self.reply(option, REP_ERR_INVALID, b"it was agreed on before")
            }
            Replies::Simple => {
                self.replies = Replies::Structured { status: false };
                self.reply(option, REP_ACK, b"")
            }
        }
    }

    /// Lists or selects `base:allocation`, the only context that there is.
    fn contexts(&mut self, option: u32, data: &[u8]) -> io::Result<()> {
        let sets = option == OPT_SET_META_CONTEXT;
        // A failed selection too takes back what was selected.
        match &mut self.replies {
            Replies::Structured { status } if sets => *status = false,
            Replies::Structured { .. } => {}
            Replies::Simple => {
                let why = b"structured replies must be agreed on first";
                return self.reply(option, REP_ERR_INVALID, why);
            }
        }
        let Some(request) = ContextRequest::parse(data) else {
            return self.reply(option, REP_ERR_INVALID, b"a length does not fit");
        };
        if !request.name.is_empty() {
            return self.reply(option, REP_ERR_UNKNOWN, NO_SUCH_EXPORT);
        }
        let mut queries = request.queries.iter();
        let named = if sets {
            queries.any(|query| *query == BASE_ALLOCATION)
        } else {
            request.queries.is_empty()
                || queries.any(|query| *query == BASE || *query == BASE_ALLOCATION)
        };
        if named {
            // "`NBD_OPT_LIST_META_CONTEXT`": there the number is reserved.
            let id = if sets { ALLOCATION_ID } else { 0 };
            let data = [&id.to_be_bytes()[..], BASE_ALLOCATION].concat();
            self.reply(option, REP_META_CONTEXT, &data)?;
        }
        if sets {
            self.replies = Replies::Structured { status: named };
        }
        self.reply(option, REP_ACK, b"")
    }

    /// "Transmission flags": DF is for structured replies only.
    fn flags(&self) -> u16 {
        match self.replies {
            Replies::Simple => self.export.flags(),
            Replies::Structured { .. } => self.export.flags() | FLAG_SEND_DF,
        }
    }

    fn reply(&mut self, option: u32, kind: u32, data: &[u8]) -> io::Result<()> {
        let len = u32::try_from(data.len()).expect("our replies are short");
        self.wire.put(&OPTION_REPLY_MAGIC.to_be_bytes())?;
        for field in [option, kind, len] {
            self.wire.put(&field.to_be_bytes())?;
        }
        self.wire.put(data)
    }
}

const NO_SUCH_EXPORT: &[u8] = b"there is only the default export";

fn violation(rule: &'static str) -> SessionError {
    SessionError::Violation { rule }
}
