//! From where a guest's RNDIS messages lie to bytes of our own.

use super::lent::SendBuffer;
use super::nvsp::Section;
use crate::device::{Channel, DeviceError};
use crate::packet::PacketKind;

/// The longest that is read of one packet: eight frames with room to spare.
pub(super) const GATHER_LIMIT: u32 = 64 * 1024;

/// The bytes that a packet names: first those in the send buffer, then those in its ranges, for
/// Linux puts headers into the one and frames into the others. `None` when they are too many, or
/// not where the packet says.
///
/// # Errors
/// [`DeviceError::Access`] when what should be memory is not.
pub(super) fn gather(
    channel: &dyn Channel,
    kind: &PacketKind,
    buffer: Option<SendBuffer>,
    section: Option<Section>,
) -> Result<Option<Vec<u8>>, DeviceError> {
    let ranges = match kind {
        PacketKind::GpaDirect(ranges) => ranges.as_slice(),
        PacketKind::InBand | PacketKind::Completion => &[],
    };
    let total = ranges
        .iter()
        .fold(section.map_or(0, |section| section.bytes), |sum, range| {
            sum.saturating_add(range.len_bytes())
        });
    if total > GATHER_LIMIT {
        return Ok(None);
    }
    let mut message = Vec::new();
    if let Some(section) = section {
        let read = buffer.and_then(|buffer| buffer.read(channel, section, &mut message));
        match read {
            Some(read) => read?,
            None => return Ok(None),
        }
    }
    for range in ranges {
        let start = message.len();
        let len = usize::try_from(range.len_bytes()).unwrap_or(0);
        message.resize(start.saturating_add(len), 0);
        let place = message.get_mut(start..).unwrap_or_default();
        range.read(channel.memory(), 0, place)?;
    }
    Ok(Some(message))
}
