//! Frames in RNDIS messages (type 1).
//!
//! The header, from byte 8 on: offset and length of the frame; offset, length and number of
//! out-of-band data; offset and length of what is said of this packet only; two unused words.

use super::fields::{span, u32_at, words};
use super::rndis::BASE;
use super::{MAX_FRAME_BYTES, MIN_FRAME_BYTES};

/// The type.
pub(super) const PACKET: u32 = 1;
/// The header's length.
const HEADER_BYTES: u32 = 44;

/// What is said of a packet: to compute checksums, to cut it up, to tag it.
const CHECKSUM: u32 = 0;
const SEGMENTATION: u32 = 2;
const VLAN: u32 = 6;

/// Why a frame of the guest is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadFrame {
    /// Its message is cut off, or points outside itself.
    Malformed,
    /// It is shorter or longer than frames are.
    Length,
    /// It asks for work that we did not offer to do.
    Offload,
}

/// The frame in a message of the guest, tagged if it is to be.
pub(super) fn frame_of(message: &[u8]) -> Result<Vec<u8>, BadFrame> {
    let word = |at| u32_at(message, at).ok_or(BadFrame::Malformed);
    let frame = span(message, BASE, word(8)?, word(12)?).ok_or(BadFrame::Malformed)?;
    let said = Said::parse(message, word(28)?, word(32)?)?;
    let mut frame = frame.to_vec();
    if let Some(tag) = said.tag {
        // Behind the two addresses.
        let at = frame.len().min(12);
        let tag = [0x81, 0x00].into_iter().chain(tag.to_be_bytes());
        frame.splice(at..at, tag);
    }
    if (MIN_FRAME_BYTES..=MAX_FRAME_BYTES).contains(&frame.len()) {
        Ok(frame)
    } else {
        Err(BadFrame::Length)
    }
}

/// A message with a frame for the guest, of which nothing is said: it checks the checksums.
pub(super) fn message_of(frame: &[u8]) -> Vec<u8> {
    let len = u32::try_from(frame.len()).unwrap_or(0);
    let offset = HEADER_BYTES.saturating_sub(8);
    let all = HEADER_BYTES.saturating_add(len);
    let mut message = words(&[PACKET, all, offset, len, 0, 0, 0, 0, 0, 0, 0]);
    message.extend_from_slice(frame);
    message
}

/// What a guest says of a packet.
#[derive(Debug, Default)]
struct Said {
    tag: Option<u16>,
}

impl Said {
    /// A list of {length, type, offset of the value in this entry}, each at least that long.
    fn parse(message: &[u8], offset: u32, len: u32) -> Result<Self, BadFrame> {
        let mut said = Self::default();
        if len == 0 {
            return Ok(said);
        }
        let mut rest = span(message, BASE, offset, len).ok_or(BadFrame::Malformed)?;
        while !rest.is_empty() {
            let (entry, behind) = entry(rest).ok_or(BadFrame::Malformed)?;
            let kind = u32_at(entry, 4).ok_or(BadFrame::Malformed)?;
            let at = u32_at(entry, 8).and_then(|at| usize::try_from(at).ok());
            let value = at.and_then(|at| u32_at(entry, at));
            match kind {
                // Flags and a place of zero ask for nothing; bit 0 and 1 only name the protocol.
                CHECKSUM if value.unwrap_or(0) & 0x1c != 0 => return Err(BadFrame::Offload),
                SEGMENTATION if value.unwrap_or(0) != 0 => return Err(BadFrame::Offload),
                VLAN => said.tag = Some(tag(value.ok_or(BadFrame::Malformed)?)),
                _ => {}
            }
            rest = behind;
        }
        Ok(said)
    }
}

fn entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = usize::try_from(u32_at(bytes, 0)?).ok()?;
    if len < 12 {
        return None;
    }
    bytes.split_at_checked(len)
}

/// A tag on the wire. In the value: priority in bits 0 to 2, format in bit 3, the network from
/// bit 4 on.
fn tag(value: u32) -> u16 {
    let [low, high, ..] = value.to_le_bytes();
    let value = u16::from_le_bytes([low, high]);
    let (priority, format, network) = (value & 7, value >> 3 & 1, value >> 4);
    priority << 13 | format << 12 | network
}
