//! The messages of NVSP, which are the payloads of the channel's packets.

use super::fields::{u16_at, u32_at};
use super::options::NvspVersion;

/// Every answer is as long as the longest message: Linux reads an answer of any kind as if it were
/// the longest kind, and takes a shorter one for none at all.
pub(super) const MESSAGE_BYTES: usize = 40;

/// The transfer sizes that we name: sections of the receive buffer, as Linux suggests them.
pub(super) const RECEIVE_SECTION_BYTES: u32 = 1728;
/// Sections of the send buffer, as Linux suggests them.
pub(super) const SEND_SECTION_BYTES: u32 = 6144;

/// A section number that says that the send buffer is not used.
const NO_SECTION: u32 = u32::MAX;

/// A message of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    /// 1: which versions it would speak.
    Init { oldest: u32, newest: u32 },
    /// 100, 125: what it is and what it could do, of which nothing matters here.
    Introduction,
    /// 101: where received frames may be put.
    ReceiveBuffer { gpadl: u32, id: u16 },
    /// 103: not any more.
    RevokeReceiveBuffer { id: u16 },
    /// 104: where frames to be sent may lie.
    SendBuffer { gpadl: u32, id: u16 },
    /// 106: not any more.
    RevokeSendBuffer { id: u16 },
    /// 107: RNDIS messages, in a section of the send buffer, in ranges of memory, or in both.
    Rndis {
        content: Content,
        section: Option<Section>,
    },
    /// 129: which of two adapters it will use; there is only one.
    SwitchDataPath,
    /// 133: it would like more channels.
    SubChannels,
    /// Something else.
    Other(u32),
}

/// What RNDIS messages are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Frames.
    Data,
    /// Everything else.
    Control,
}

impl Content {
    fn raw(self) -> u32 {
        match self {
            Self::Data => 0,
            Self::Control => 1,
        }
    }
}

/// A section of the send buffer, and how much of it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) index: u32,
    pub(super) bytes: u32,
}

/// How something ended (`NVSP_STAT_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Success,
    Failure,
    TooNew,
    TooOld,
    InvalidRndisPacket,
}

impl Status {
    fn raw(self) -> u32 {
        match self {
            Self::Success => 1,
            Self::Failure => 2,
            Self::TooNew => 3,
            Self::TooOld => 4,
            Self::InvalidRndisPacket => 5,
        }
    }
}

impl Message {
    /// The message in a payload; `None` when it ends too early. What follows it is ignored, because
    /// drivers send all messages as long as the longest.
    pub(super) fn parse(payload: &[u8]) -> Option<Self> {
        let word = |at| u32_at(payload, at);
        Some(match word(0)? {
            1 => Self::Init {
                oldest: word(4)?,
                newest: word(8)?,
            },
            100 | 125 => Self::Introduction,
            101 => Self::ReceiveBuffer {
                gpadl: word(4)?,
                id: u16_at(payload, 8)?,
            },
            103 => Self::RevokeReceiveBuffer {
                id: u16_at(payload, 4)?,
            },
            104 => Self::SendBuffer {
                gpadl: word(4)?,
                id: u16_at(payload, 8)?,
            },
            106 => Self::RevokeSendBuffer {
                id: u16_at(payload, 4)?,
            },
            107 => Self::rndis(word(4)?, word(8)?, word(12)?),
            129 => Self::SwitchDataPath,
            133 => Self::SubChannels,
            other => Self::Other(other),
        })
    }

    fn rndis(channel: u32, index: u32, bytes: u32) -> Self {
        let content = match channel {
            0 => Content::Data,
            _ => Content::Control,
        };
        let section = (index != NO_SECTION).then_some(Section { index, bytes });
        Self::Rndis { content, section }
    }
}

/// The answer to 1.
pub(super) fn init_complete(asked: u32, status: Status) -> Vec<u8> {
    // One memory descriptor in a chain.
    message(&[2, asked, 1, status.raw()])
}

/// The answer to 101: one section of so many pieces, or none.
pub(super) fn receive_buffer_complete(pieces: Option<u32>) -> Vec<u8> {
    let Some(pieces) = pieces else {
        return message(&[102, Status::Failure.raw(), 0]);
    };
    let end = pieces.saturating_mul(RECEIVE_SECTION_BYTES);
    let status = Status::Success.raw();
    message(&[102, status, 1, 0, RECEIVE_SECTION_BYTES, pieces, end])
}

/// The answer to 104.
pub(super) fn send_buffer_complete(status: Status) -> Vec<u8> {
    let section = match status {
        Status::Success => SEND_SECTION_BYTES,
        Status::Failure | Status::TooNew | Status::TooOld | Status::InvalidRndisPacket => 0,
    };
    message(&[105, status.raw(), section])
}

/// The answer to 133: there are no more channels.
pub(super) fn sub_channels_refused() -> Vec<u8> {
    message(&[133, Status::Failure.raw(), 0])
}

/// The answer to 107. It is short, for there is one for each frame.
pub(super) fn rndis_complete(status: Status) -> Vec<u8> {
    super::fields::words(&[108, status.raw()])
}

/// What goes with our own RNDIS messages.
pub(super) fn rndis_message(content: Content) -> Vec<u8> {
    super::fields::words(&[107, content.raw(), NO_SECTION, 0])
}

/// Which status a version gets.
pub(super) fn judge(asked: u32, newest: NvspVersion) -> Result<NvspVersion, Status> {
    match NvspVersion::from_raw(asked) {
        Some(version) if version <= newest => Ok(version),
        Some(_) => Err(Status::TooNew),
        None if asked > newest.raw() => Err(Status::TooNew),
        None if asked < NvspVersion::V1.raw() => Err(Status::TooOld),
        None => Err(Status::Failure),
    }
}

fn message(words: &[u32]) -> Vec<u8> {
    let mut bytes = super::fields::words(words);
    bytes.resize(MESSAGE_BYTES, 0);
    bytes
}
