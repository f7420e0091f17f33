//! Replays an inode: the log has it in the byte order of the machine, the disk big-endian.

use super::Stop;
use super::item::{Creation, InodeChange};
use super::replay::Replay;
use super::ring::SECTOR;
use super::source::{self, Source, Span};
use crate::fields::{be16, be64, le16, le64};

/// \[xfs\] `ilf_fields`: the data fork follows, as data, as extents, as the root of a tree.
const DATA: u32 = 0x2;
const EXTENTS: u32 = 0x4;
const TREE: u32 = 0x8;
/// `di_flags2`.
const FLAG2_BIG_TIME: u64 = 0x8;
/// The core of version 3, and the largest fork: that of an inode of 2048 bytes, whose root is
/// logged with a longer header.
const MAX_CORE: usize = 176;
const MAX_FORK: usize = 2048;
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

/// Bytes in the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) source: Source,
    pub(super) len: u16,
}

/// A data fork in the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fork {
    pub(super) source: Source,
    pub(super) len: u16,
    /// `di_forkoff` as it was then.
    units: u8,
    is_tree: bool,
}

/// What the log changes in an inode. The newest of each counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Change {
    /// It was made in the log: what is on the disk is something else.
    pub(super) is_new: bool,
    pub(super) core: Option<Part>,
    pub(super) fork: Option<Fork>,
}

/// Puts the changed inode into the overlay.
pub(super) fn apply(
    replay: &mut Replay<'_>,
    change: &InodeChange,
    regions: &mut dyn Iterator<Item = &[Span]>,
    lsn: u64,
) -> Result<(), Stop> {
    let pages = replay.ring.pages;
    let size = u64::from(replay.superblock.inode_bytes);
    let start = replay.offset_of(change.place)?;
    let offset = start.saturating_add(change.within.into());
    if offset.checked_rem(size) != Some(0) {
        return Err(Stop::Broken("an inode stands between two others"));
    }
    let core_at = regions.next().unwrap_or_default();
    let mut core = vec![0; source::len_of(core_at).min(MAX_CORE)];
    replay.ring.layout().gather(pages, core_at, 0, &mut core)?;
    if le16(&core, 0) != Some(0x494e) {
        return Err(Stop::Broken("an inode has no magic number"));
    }
    let mut held = replay.overlay.change(offset);
    let mut inode = vec![0; usize::from(replay.superblock.inode_bytes)];
    if !held.is_new {
        pages.read(offset, &mut inode)?;
        if is_newer(&inode, &core, lsn) {
            return Ok(());
        }
    }
    held.core = Some(part(replay, core_at, core.len())?);
    if change.fields & (DATA | EXTENTS | TREE) != 0 {
        let fork_at = regions.next().unwrap_or_default();
        let mut fork = vec![0; source::len_of(fork_at).min(MAX_FORK)];
        replay.ring.layout().gather(pages, fork_at, 0, &mut fork)?;
        let Part { source, len } = part(replay, fork_at, fork.len())?;
        let found = Fork {
            source,
            len,
            units: core.get(82).copied().unwrap_or(0),
            is_tree: change.fields & TREE != 0,
        };
        write_core(&mut inode, &core);
        write_fork(&mut inode, &fork, &found, replay.superblock.has_checksums)
            .ok_or(Stop::Broken("the data of an inode does not fit it"))?;
        held.fork = Some(found);
    }
    replay.overlay.set_inode(offset, held)
}

fn part(replay: &mut Replay<'_>, region: &[Span], len: usize) -> Result<Part, Stop> {
    let pages = replay.ring.pages;
    Ok(Part {
        source: replay.overlay.source(pages, region, 0, len)?,
        len: u16::try_from(len).unwrap_or(u16::MAX),
    })
}

/// Puts inodes that were made into the overlay: they are empty.
pub(super) fn create(replay: &mut Replay<'_>, made: &Creation) -> Result<(), Stop> {
    const BROKEN: Stop = Stop::Broken("inodes are made where none can be");
    let superblock = replay.superblock;
    let size = u64::from(superblock.inode_bytes);
    let (inodes, blocks) = (u64::from(made.inodes), u64::from(made.blocks));
    let bytes = inodes.saturating_mul(size);
    let is_whole = bytes == blocks.saturating_mul(superblock.block_bytes);
    // \[xfs\] `XFS_INODES_PER_CHUNK`, or what a block has room for; parts of them are made too.
    let most = superblock
        .block_bytes
        .checked_div(size)
        .unwrap_or(0)
        .max(64);
    if made.inode_bytes != u32::from(superblock.inode_bytes) || !is_whole || inodes > most {
        return Err(BROKEN);
    }
    let start = superblock.offset_in_group(made.group, made.block, blocks);
    // The first block of a group has its headers.
    let start = start.filter(|_| made.block > 0).ok_or(BROKEN)?;
    let place = (start / SECTOR, bytes / SECTOR);
    if replay.is_cancelled_in(place) {
        return Ok(());
    }
    replay.overlay.create(start, start.saturating_add(bytes))
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

/// Puts the core into `inode`, but for its sum and LSN, which nobody reads.
pub(super) fn write_core(inode: &mut [u8], core: &[u8]) {
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

/// Puts the data fork into `inode`. `None` if it has no room there.
pub(super) fn write_fork(
    inode: &mut [u8],
    logged: &[u8],
    fork: &Fork,
    has_checksums: bool,
) -> Option<()> {
    let core = if *inode.get(4)? >= 3 { 176 } else { 100 };
    let area = inode.get_mut(core..)?;
    let area = match usize::from(fork.units) {
        0 => area,
        units => area.get_mut(..units.checked_mul(8)?)?,
    };
    if fork.is_tree {
        return write_root(area, logged, has_checksums);
    }
    area.get_mut(..logged.len())?.copy_from_slice(logged);
    Some(())
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
