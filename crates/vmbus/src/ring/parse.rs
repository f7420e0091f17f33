//! Packets in memory of our own, where the guest cannot change them any more.

use std::ops::Range;

use super::error::RingError;
use crate::memory::PAGE_BYTES;
use crate::packet::{Packet, PacketKind};
use crate::pages::PageRange;

/// What every packet begins with.
pub(super) const HEADER_BYTES: u32 = 16;

/// What lies behind every packet and is not in its length.
pub(super) const TRAILER_BYTES: u32 = 8;

/// The types of packets.
pub(super) mod kind {
    pub(in super::super) const IN_BAND: u16 = 6;
    pub(in super::super) const TRANSFER_PAGES: u16 = 7;
    pub(in super::super) const GPA_DIRECT: u16 = 9;
    pub(in super::super) const COMPLETION: u16 = 11;
}

/// The flag that asks for a completion.
pub(super) const WANTS_COMPLETION: u16 = 1;

/// The first bytes of a packet, their lengths checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    kind: u16,
    flags: u16,
    transaction: u64,
    /// Where the payload begins.
    header: u32,
    /// The packet's bytes, the trailer not counted.
    pub(super) packet: u32,
}

impl Header {
    /// Takes the header of a packet in a ring that has so many bytes to be read.
    pub(super) fn parse(bytes: [u8; 16], available: u32) -> Result<Self, RingError> {
        let [k0, k1, h0, h1, p0, p1, f0, f1, transaction @ ..] = bytes;
        let eights = |low, high| u32::from(u16::from_le_bytes([low, high])).saturating_mul(8);
        let (header, packet) = (eights(h0, h1), eights(p0, p1));
        let kind = u16::from_le_bytes([k0, k1]);
        let flags = u16::from_le_bytes([f0, f1]);
        let least = least_header(kind)?;
        if header < least {
            return Err(RingError::HeaderTooShort {
                kind,
                header,
                least,
            });
        }
        if header > packet {
            return Err(RingError::HeaderBeyondPacket { header, packet });
        }
        if packet.saturating_add(TRAILER_BYTES) > available {
            return Err(RingError::PacketBeyondData { packet, available });
        }
        if flags & !WANTS_COMPLETION != 0 {
            return Err(RingError::UnknownFlags { flags });
        }
        Ok(Self {
            kind,
            flags,
            transaction: u64::from_le_bytes(transaction),
            header,
            packet,
        })
    }

    /// Where in the packet the header's variable part is.
    pub(super) fn extra(self) -> Range<usize> {
        size(HEADER_BYTES)..size(self.header)
    }

    /// Where in the packet the payload is.
    pub(super) fn payload(self) -> Range<usize> {
        size(self.header)..size(self.packet)
    }

    /// Makes the packet of these pieces of it.
    pub(super) fn packet(self, extra: &[u8], payload: Vec<u8>) -> Result<Packet, RingError> {
        let kind = match self.kind {
            kind::IN_BAND => PacketKind::InBand,
            kind::GPA_DIRECT => PacketKind::GpaDirect(ranges(extra)?),
            kind::COMPLETION => PacketKind::Completion,
            kind => return Err(RingError::UnknownType { kind }),
        };
        Ok(Packet {
            kind,
            transaction: self.transaction,
            wants_completion: self.flags & WANTS_COMPLETION != 0,
            payload,
        })
    }
}

/// A length as one of memory of ours.
fn size(len: u32) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

/// How long the header of such a packet is at least.
fn least_header(kind: u16) -> Result<u32, RingError> {
    match kind {
        kind::IN_BAND | kind::COMPLETION => Ok(HEADER_BYTES),
        kind::GPA_DIRECT => Ok(HEADER_BYTES.saturating_add(8)),
        kind => Err(RingError::UnknownType { kind }),
    }
}

/// The ranges of a GPA direct packet: what its header has beyond the first 16 bytes.
fn ranges(extra: &[u8]) -> Result<Vec<PageRange>, RingError> {
    // Four reserved bytes, where drivers may leave anything, then the count.
    let Some(([_, _, _, _, count @ ..], mut rest)) = extra.split_first_chunk::<8>() else {
        return Err(cut(0, extra));
    };
    let count = u32::from_le_bytes(*count);
    if count == 0 {
        return Err(RingError::NoRanges);
    }
    let mut ranges = Vec::new();
    // Each takes bytes of the header, so that the header bounds how many there are.
    for _ in 0..count {
        let (range, left) = range(rest).ok_or_else(|| cut(count, extra))?;
        ranges.push(range?);
        rest = left;
    }
    Ok(ranges)
}

fn cut(ranges: u32, extra: &[u8]) -> RingError {
    let bytes = u32::try_from(extra.len()).unwrap_or(u32::MAX);
    RingError::RangesCut { ranges, bytes }
}

/// A range and what follows it; `None` when the bytes end too early.
fn range(bytes: &[u8]) -> Option<(Result<PageRange, RingError>, &[u8])> {
    let ([l0, l1, l2, l3, o0, o1, o2, o3], rest) = bytes.split_first_chunk::<8>()?;
    let len = u32::from_le_bytes([*l0, *l1, *l2, *l3]);
    let offset = u32::from_le_bytes([*o0, *o1, *o2, *o3]);
    let pages = u64::from(offset)
        .saturating_add(u64::from(len))
        .div_ceil(PAGE_BYTES);
    let pfn_bytes = usize::try_from(pages.saturating_mul(8)).ok()?;
    let (pfns, rest) = rest.split_at_checked(pfn_bytes)?;
    let (pfns, _) = pfns.as_chunks::<8>();
    let pfns = pfns.iter().copied().map(u64::from_le_bytes).collect();
    Some((
        PageRange::new(len, offset, pfns).map_err(RingError::from),
        rest,
    ))
}
