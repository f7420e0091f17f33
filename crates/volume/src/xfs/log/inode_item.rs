//! Replays an inode: the log has it in the byte order of the machine, the disk big-endian.

use super::Stop;
use super::item::InodeChange;
use super::replay::Replay;
use super::transaction::Item;
use crate::fields::{be16, be64, le16, le64};

/// \[xfs\] `ilf_fields`: the data fork follows, as data, as extents, as the root of a tree.
const DATA: u32 = 0x2;
const EXTENTS: u32 = 0x4;
const TREE: u32 = 0x8;
/// `di_flags2`.
const FLAG2_BIG_TIME: u64 = 0x8;
/// Numbers of the core, where they stand and how long they are: those of all versions, and of
/// version 3. What is in no list is bytes, or not logged.
const NUMBERS: [(usize, usize); 17] = [
    (0, 2),
    (2, 2),
    (6, 2),
    (8, 4),
    (12, 4),
    (16, 4),
    (20, 2),
    (22, 2),
    (56, 8),
    (64, 8),
    (72, 4),
    (76, 4),
    (80, 2),
    (84, 4),
    (88, 2),
    (90, 2),
    (92, 4),
];
const NUMBERS_V3: [(usize, usize); 5] = [(24, 8), (104, 8), (120, 8), (128, 4), (152, 8)];
const BYTES: [(usize, usize); 2] = [(4, 2), (82, 2)];
const TIMES: [usize; 3] = [32, 40, 48];

/// Puts the changed inode into the overlay.
pub(super) fn apply(
    replay: &mut Replay<'_>,
    change: &InodeChange,
    item: &Item,
    lsn: u64,
) -> Result<(), Stop> {
    let window = replay.ring.window;
    let size = usize::from(replay.superblock.inode_bytes);
    let start = replay.offset_of(change.place)?;
    let offset = start.saturating_add(change.within.into());
    let mut inode = vec![0; size];
    replay.overlay.read(window, offset, &mut inode)?;
    let core = item.regions.get(1).map_or(&[][..], Vec::as_slice);
    if le16(core, 0) != Some(0x494e) {
        return Err(Stop::Broken("an inode has no magic number"));
    }
    if is_newer(&inode, core, lsn) {
        return Ok(());
    }
    write_core(&mut inode, core, lsn);
    if change.fields & (DATA | EXTENTS | TREE) != 0 {
        let fork = item.regions.get(2).map_or(&[][..], Vec::as_slice);
        let area = fork_area(&mut inode).ok_or(Stop::Broken("an inode has no room for data"))?;
        let written = if change.fields & TREE != 0 {
            write_root(area, fork, replay.superblock.has_checksums)
        } else {
            area.get_mut(..fork.len())
                .map(|area| area.copy_from_slice(fork))
        };
        written.ok_or(Stop::Broken("the data of an inode does not fit it"))?;
    }
    replay.overlay.write(window, offset, &inode)
}

/// Whether the inode on the disk is newer. Version 3 says when it was written, older ones count.
fn is_newer(inode: &[u8], core: &[u8], lsn: u64) -> bool {
    if be16(inode, 0) != Some(0x494e) {
        return false;
    }
    if inode.get(4).is_some_and(|&version| version >= 3) {
        return be64(inode, 112).is_some_and(|own| own != u64::MAX && own > lsn);
    }
    let (own, logged) = (be16(inode, 30).unwrap_or(0), le16(core, 30).unwrap_or(0));
    // The count wraps around.
    let has_wrapped = own == u16::MAX && logged < u16::MAX >> 1;
    logged < own && !has_wrapped
}

fn write_core(inode: &mut [u8], core: &[u8], lsn: u64) {
    let is_v3 = core.get(4).is_some_and(|&version| version >= 3);
    let flags2 = le64(core, 120).filter(|_| is_v3).unwrap_or(0);
    for (at, len) in NUMBERS {
        copy(inode, core, (at, len), true);
    }
    for (at, len) in BYTES {
        copy(inode, core, (at, len), false);
    }
    let mut time = |at: usize| {
        if flags2 & FLAG2_BIG_TIME != 0 {
            copy(inode, core, (at, 8), true);
        } else {
            copy(inode, core, (at, 4), true);
            copy(inode, core, (at.saturating_add(4), 4), true);
        }
    };
    for at in TIMES {
        time(at);
    }
    if !is_v3 {
        // `di_flushiter`.
        copy(inode, core, (30, 2), true);
        return;
    }
    time(144);
    for (at, len) in NUMBERS_V3 {
        copy(inode, core, (at, len), true);
    }
    copy(inode, core, (132, 12), false);
    copy(inode, core, (160, 16), false);
    if let Some(place) = inode.get_mut(112..120) {
        place.copy_from_slice(&lsn.to_be_bytes());
    }
}

/// Copies a field that both have, the other way round if it is a number.
fn copy(inode: &mut [u8], core: &[u8], (at, len): (usize, usize), is_number: bool) {
    let end = at.saturating_add(len);
    if let (Some(target), Some(source)) = (inode.get_mut(at..end), core.get(at..end)) {
        target.copy_from_slice(source);
        if is_number {
            target.reverse();
        }
    }
}

/// Where the data fork stands.
fn fork_area(inode: &mut [u8]) -> Option<&mut [u8]> {
    let core = if *inode.get(4)? >= 3 { 176 } else { 100 };
    let units = usize::from(*inode.get(82)?);
    let area = inode.get_mut(core..)?;
    match units {
        0 => Some(area),
        units => area.get_mut(..units.checked_mul(8)?),
    }
}

/// The root of a tree is logged as a whole block would be, with a longer header and another
/// number of places for keys.
fn write_root(area: &mut [u8], logged: &[u8], has_checksums: bool) -> Option<()> {
    let header = if has_checksums { 72 } else { 24 };
    let places = |len: usize, header: usize| len.checked_sub(header)?.checked_div(16);
    let used = usize::from(be16(logged, 6)?).checked_mul(8)?;
    let (from, to) = (places(logged.len(), header)?, places(area.len(), 4)?);
    let pointers_from = from.checked_mul(8)?.checked_add(header)?;
    let pointers_to = to.checked_mul(8)?.checked_add(4)?;
    let keys = logged.get(header..header.checked_add(used)?)?;
    let pointers = logged.get(pointers_from..pointers_from.checked_add(used)?)?;
    area.get_mut(..4)?.copy_from_slice(logged.get(4..8)?);
    area.get_mut(4..used.checked_add(4)?)?.copy_from_slice(keys);
    area.get_mut(pointers_to..pointers_to.checked_add(used)?)?
        .copy_from_slice(pointers);
    Some(())
}
