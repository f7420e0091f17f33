//! The two buffers that the guest lends.

use super::nvsp::{SEND_SECTION_BYTES, Section};
use super::sections::Sections;
use crate::device::{Channel, DeviceError};
use crate::pages::{AccessError, PageRange};

/// Where received frames are put.
#[derive(Debug)]
pub(super) struct ReceiveBuffer {
    gpadl: u32,
    pub(super) id: u16,
    pub(super) sections: Sections,
}

/// Where frames to be sent may lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct SendBuffer {
    gpadl: u32,
    pub(super) id: u16,
}

/// The one range of a buffer; `None` when it was never lent, or is in several.
pub(super) fn range(channel: &dyn Channel, gpadl: u32) -> Option<&PageRange> {
    match channel.lent(gpadl)? {
        [range] => Some(range),
        _ => None,
    }
}

impl ReceiveBuffer {
    /// The buffer in a GPADL, and how many pieces it has.
    pub(super) fn new(channel: &dyn Channel, gpadl: u32, id: u16) -> Option<(Self, u32)> {
        let pieces = Sections::pieces_in(range(channel, gpadl)?.len_bytes())?;
        let sections = Sections::new(pieces);
        Some((
            Self {
                gpadl,
                id,
                sections,
            },
            pieces,
        ))
    }

    /// Puts bytes into a piece, which has room for them: its offset and how much of it is used.
    pub(super) fn fill(
        &self,
        channel: &dyn Channel,
        piece: u32,
        bytes: &[u8],
    ) -> Result<(u32, u32), DeviceError> {
        let offset = Sections::offset(piece);
        let range = range(channel, self.gpadl).ok_or_else(|| DeviceError::Protocol {
            rule: "the receive buffer is revoked before its memory is taken back".to_owned(),
        })?;
        range.write(channel.memory(), u64::from(offset), bytes)?;
        Ok((offset, u32::try_from(bytes.len()).unwrap_or(u32::MAX)))
    }
}

impl SendBuffer {
    /// The buffer in a GPADL, if there is at least one section in it.
    pub(super) fn new(channel: &dyn Channel, gpadl: u32, id: u16) -> Option<Self> {
        let len = range(channel, gpadl)?.len_bytes();
        (len >= SEND_SECTION_BYTES).then_some(Self { gpadl, id })
    }

    /// Adds the used part of a section to `message`; `None` when there is no such section.
    pub(super) fn read(
        self,
        channel: &dyn Channel,
        section: Section,
        message: &mut Vec<u8>,
    ) -> Option<Result<(), AccessError>> {
        let range = range(channel, self.gpadl)?;
        let sections = range.len_bytes().checked_div(SEND_SECTION_BYTES)?;
        if section.index >= sections || section.bytes > SEND_SECTION_BYTES {
            return None;
        }
        let at = u64::from(section.index).saturating_mul(u64::from(SEND_SECTION_BYTES));
        let start = message.len();
        let bytes = usize::try_from(section.bytes).ok()?;
        message.resize(start.saturating_add(bytes), 0);
        let place = message.get_mut(start..)?;
        Some(range.read(channel.memory(), at, place))
    }
}
