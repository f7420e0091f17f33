//! Replays a buffer: the pieces of it that were changed.

use super::Stop;
use super::item::Buffer;
use super::overlay::{PIECE, PIECE_BYTES};
use super::replay::Replay;
use super::ring::SECTOR;
use super::source::{self, Span};
use crate::fields::{array, be16, be32, be64};

/// Puts the changed pieces of `buffer` into the overlay.
pub(super) fn apply(
    replay: &mut Replay<'_>,
    buffer: &Buffer,
    regions: &mut dyn Iterator<Item = &[Span]>,
    lsn: u64,
) -> Result<(), Stop> {
    let start = replay.offset_of(buffer.place)?;
    let pages = replay.ring.pages;
    let mut head = [0; 512];
    pages.read(start, &mut head)?;
    if replay.superblock.has_checksums && is_newer(&head, lsn, &replay.superblock.meta_uuid) {
        return Ok(());
    }
    let mut regions = regions.peekable();
    if buffer.is_btree {
        let first = regions.peek().copied().filter(|_| buffer.is_changed(0));
        if !is_extent_tree(replay, start, first)? {
            return Ok(());
        }
    }
    let bits = buffer.map.len().saturating_mul(32);
    let mut bit = 0;
    while bit < bits {
        if buffer.is_changed(bit) {
            let region = regions.next();
            let region = region.ok_or(Stop::Broken("a buffer has fewer regions than changes"))?;
            bit = bit.saturating_add(put(replay, buffer, bit, region)?);
        } else {
            bit = bit.saturating_add(1);
        }
    }
    Ok(())
}

/// Puts one region into the overlay, from piece `bit` of the buffer on. Says how many pieces it
/// has: a run of them may be cut into several regions.
fn put(
    replay: &mut Replay<'_>,
    buffer: &Buffer,
    bit: usize,
    region: &[Span],
) -> Result<usize, Stop> {
    let (start, sectors) = buffer.place;
    let bits = bit..buffer.map.len().saturating_mul(32);
    let run = bits.take_while(|&bit| buffer.is_changed(bit)).count();
    let pieces = run.min(source::len_of(region) / PIECE);
    if pieces == 0 {
        return Err(Stop::Broken("a buffer has an empty region"));
    }
    let pieces_of = |sectors: u64| sectors.saturating_mul(SECTOR / PIECE_BYTES);
    let from = u64::try_from(bit).unwrap_or(u64::MAX);
    let end = from.saturating_add(u64::try_from(pieces).unwrap_or(u64::MAX));
    if end > pieces_of(sectors) {
        return Err(Stop::Broken("a buffer is changed behind its end"));
    }
    let first = pieces_of(start).saturating_add(from);
    for (number, index) in (first..).zip(0..pieces) {
        let at = index.saturating_mul(PIECE);
        let pages = replay.ring.pages;
        replay.overlay.set_piece(pages, number, region, at)?;
    }
    Ok(pieces)
}

/// Trees of free space, of inodes and of owners are of no use here. `first` is what the log has
/// of the start.
fn is_extent_tree(replay: &Replay<'_>, start: u64, first: Option<&[Span]>) -> Result<bool, Stop> {
    let mut magic = [0; 4];
    let pages = replay.ring.pages;
    match first {
        Some(region) => replay.ring.layout().gather(pages, region, 0, &mut magic)?,
        None => drop(replay.overlay.read(pages, start, &mut magic)?),
    }
    Ok(matches!(&magic, b"BMAP" | b"BMA3"))
}

/// Whether what stands on the disk was written at `lsn` or later: blocks of version 5 say so.
fn is_newer(head: &[u8], lsn: u64, uuid: &[u8; 16]) -> bool {
    // "BMA3"; directory blocks "XDB3", "XDD3", "XDF3"; "XSLM"; "XFSB".
    let places = match be32(head, 0) {
        Some(0x424d_4133) => Some((32, 40)),
        Some(0x5844_4233 | 0x5844_4433 | 0x5844_4633) => Some((16, 24)),
        Some(0x5853_4c4d) => Some((48, 16)),
        Some(0x5846_5342) => Some((240, 32)),
        // Other trees, with short pointers, are not replayed at all.
        _ => match be16(head, 8) {
            Some(0x3ebe | 0x3df1 | 0x3dff | 0x3bee) => Some((24, 32)),
            _ => None,
        },
    };
    let Some((lsn_at, uuid_at)) = places else {
        return false;
    };
    // The superblock has its own UUID, which may be another.
    let is_ours = lsn_at == 240 || array(head, uuid_at).as_ref() == Some(uuid);
    let written = be64(head, lsn_at).filter(|&own| own != 0 && own != u64::MAX);
    is_ours && written.is_some_and(|own| own >= lsn)
}
