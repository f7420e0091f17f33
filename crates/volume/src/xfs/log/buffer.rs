//! Replays a buffer: the pieces of it that were changed.

use detente_block::BlockRead as _;

use super::Stop;
use super::item::Buffer;
use super::replay::Replay;
use super::transaction::Item;
use crate::fields::{array, be16, be32, be64};

/// \[xfs\] `XFS_BLF_CHUNK`: buffers are logged in pieces of so many bytes.
const PIECE: usize = 128;

/// Puts the changed pieces of `buffer` into the overlay.
pub(super) fn apply(
    replay: &mut Replay<'_>,
    buffer: &Buffer,
    item: &Item,
    lsn: u64,
) -> Result<(), Stop> {
    let start = replay.offset_of(buffer.place)?;
    let window = replay.ring.window;
    let mut head = [0; 512];
    window.read_exact_at(start, &mut head)?;
    if replay.superblock.has_checksums && is_newer(&head, lsn, &replay.superblock.meta_uuid) {
        return Ok(());
    }
    let mut regions = item.regions.iter().skip(1);
    let is_set = |bit: usize| {
        let shift = u32::try_from(bit % 32).unwrap_or(0);
        let word = buffer.map.get(bit / 32).copied().unwrap_or(0);
        word >> shift & 1 == 1
    };
    if buffer.is_btree && !is_extent_tree(replay, start, item, is_set(0))? {
        return Ok(());
    }
    let bits = buffer.map.len().saturating_mul(32);
    let room = usize::try_from(buffer.place.1)
        .unwrap_or(0)
        .saturating_mul(512);
    let mut bit = 0;
    while bit < bits {
        if !is_set(bit) {
            bit = bit.saturating_add(1);
            continue;
        }
        let Some(region) = regions.next() else {
            return Err(Stop::Broken("a buffer has fewer regions than changes"));
        };
        // A run of pieces may be cut into several regions.
        let run = (bit..bits).take_while(|&bit| is_set(bit)).count();
        let pieces = run.min(region.len() / PIECE);
        if pieces == 0 {
            return Err(Stop::Broken("a buffer has an empty region"));
        }
        let at = bit.saturating_mul(PIECE);
        let bytes = region.get(..pieces.saturating_mul(PIECE));
        let bytes = bytes.filter(|bytes| at.saturating_add(bytes.len()) <= room);
        let bytes = bytes.ok_or(Stop::Broken("a buffer is changed behind its end"))?;
        let offset = start.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
        replay.overlay.write(window, offset, bytes)?;
        bit = bit.saturating_add(pieces);
    }
    Ok(())
}

/// Trees of free space, of inodes and of owners are of no use here.
fn is_extent_tree(
    replay: &Replay<'_>,
    start: u64,
    item: &Item,
    is_logged: bool,
) -> Result<bool, Stop> {
    let mut magic = [0; 4];
    match item.regions.get(1).filter(|_| is_logged) {
        Some(region) => magic = array(region, 0).unwrap_or_default(),
        None => replay.overlay.read(replay.ring.window, start, &mut magic)?,
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
