//! From a file's blocks to the volume's: lists of extents, and B+trees of them.

use super::block::{Block, Places};
use super::inode::{Format, Inode};
use super::{Xfs, corrupt};
use crate::FsError;
use crate::fields::{array, be16, be32, be64};

/// \[xfs\] `XFS_BTREE_MAXLEVELS`.
const MAX_LEVELS: u16 = 9;
/// Bytes of an extent; a key and a pointer have as many together.
const RECORD: usize = 16;
const PLACES: Places = Places {
    what: "an extent block",
    crc: 64,
    address: 24,
    uuid: 40,
    owner: 56,
};

/// Blocks of a file that are alike and stand one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The first block on the volume; `None` reads as zero.
    pub(super) start: Option<u64>,
    /// How many blocks, at least 1.
    pub(super) count: u64,
}

/// An extent as it stands on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    first: u64,
    start: u64,
    count: u64,
    is_unwritten: bool,
}

impl Extent {
    /// \[xfs\] data extents: 1 bit unwritten, 54 of the file's block, 52 of the volume's, 21 of count.
    fn parse(records: &[u8], index: usize) -> Option<Self> {
        let at = index.checked_mul(RECORD)?;
        let packed = u128::from_be_bytes(array(records, at)?);
        let bits = |shift: u32, count: u32| {
            let mask = 1_u128.checked_shl(count)?.checked_sub(1)?;
            u64::try_from(packed.checked_shr(shift)? & mask).ok()
        };
        Some(Self {
            first: bits(73, 54)?,
            start: bits(21, 52)?,
            count: bits(0, 21)?,
            is_unwritten: bits(127, 1)? == 1,
        })
    }
}

impl Xfs {
    /// Where block `logical` of a file is, and how far it goes on so.
    pub(super) fn locate(&self, inode: &Inode, logical: u64) -> Result<Span, FsError> {
        match inode.format {
            Format::Extents(_) => Ok(search(&inode.fork, logical, u64::MAX)),
            Format::Tree => self.locate_in_tree(inode, logical),
            Format::Device | Format::Local => Err(corrupt(format!(
                "inode {} should have extents, and has none",
                inode.number
            ))),
        }
    }

    fn locate_in_tree(&self, inode: &Inode, logical: u64) -> Result<Span, FsError> {
        let bad = |what: &str| corrupt(format!("the extent tree of inode {} {what}", inode.number));
        let fork = &inode.fork;
        let fields = || Some((be16(fork, 0)?, be16(fork, 2)?));
        let (mut level, count) = fields().ok_or_else(|| bad("is cut off"))?;
        if level == 0 || level > MAX_LEVELS {
            return Err(bad("has no allowed depth"));
        }
        let root = fork.get(4..).unwrap_or_default();
        let mut child = Node::new(root, count)
            .ok_or_else(|| bad("claims more entries than it has room for"))?
            .child(logical);
        let mut end = u64::MAX;
        loop {
            let (block, next) = child;
            end = end.min(next.unwrap_or(u64::MAX));
            let Some(block) = block else {
                return Ok(hole(logical, end));
            };
            level = level.saturating_sub(1);
            let block = self.blocks(block, 1)?;
            let entries = self.check_tree_block(inode, &block, level)?;
            let count = be16(&block.bytes, 6).unwrap_or(0);
            let room = entries.len().checked_div(RECORD).unwrap_or(0);
            if usize::from(count) > room {
                return Err(bad("claims more entries than it has room for"));
            }
            if level == 0 {
                let used = usize::from(count).saturating_mul(RECORD);
                let records = entries.get(..used).unwrap_or_default();
                return Ok(search(records, logical, end));
            }
            child = Node::new(entries, count)
                .ok_or_else(|| bad("claims more entries than it has room for"))?
                .child(logical);
        }
    }

    /// What follows the header of a block of the tree.
    fn check_tree_block<'b>(
        &self,
        inode: &Inode,
        block: &'b Block,
        level: u16,
    ) -> Result<&'b [u8], FsError> {
        let is_new = self.superblock.has_checksums;
        // "BMA3" and "BMAP".
        let (magic, header) = if is_new {
            (0x424d_4133, 72)
        } else {
            (0x424d_4150, 24)
        };
        let number = inode.number;
        if be32(&block.bytes, 0) != Some(magic) {
            return Err(corrupt(format!(
                "an extent block of inode {number} has no magic number"
            )));
        }
        if be16(&block.bytes, 4) != Some(level) {
            return Err(corrupt(format!(
                "an extent block of inode {number} is of the wrong depth"
            )));
        }
        if is_new {
            self.check_block(block, &PLACES, number)?;
        }
        Ok(block.bytes.get(header..).unwrap_or_default())
    }
}

/// The keys and pointers of a node: as many keys as there is room for, then the pointers.
struct Node<'b> {
    keys: &'b [u8],
    pointers: &'b [u8],
    count: usize,
}

impl<'b> Node<'b> {
    fn new(entries: &'b [u8], count: u16) -> Option<Self> {
        let room = entries.len().checked_div(RECORD)?;
        let count = usize::from(count);
        let (keys, pointers) = entries.split_at_checked(room.checked_mul(8)?)?;
        (count <= room).then_some(Self {
            keys,
            pointers,
            count,
        })
    }

    fn key(&self, index: usize) -> Option<u64> {
        be64(self.keys, index.checked_mul(8)?).filter(|_| index < self.count)
    }

    /// The block that `logical` may stand in, and where the next one starts.
    fn child(&self, logical: u64) -> (Option<u64>, Option<u64>) {
        let after = partition(self.count, |index| {
            self.key(index).is_some_and(|key| key <= logical)
        });
        let block = after
            .checked_sub(1)
            .and_then(|index| be64(self.pointers, index.checked_mul(8)?));
        (block, self.key(after))
    }
}

/// How many of `count` sorted things are `before`. Where hostile ones are not sorted, some number.
pub(super) fn partition(count: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if before(middle) {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    low
}

/// What sorted extents say of `logical`; the next list starts at `end`.
fn search(records: &[u8], logical: u64, end: u64) -> Span {
    let count = records.len().checked_div(RECORD).unwrap_or(0);
    let after = partition(count, |index| {
        Extent::parse(records, index).is_some_and(|extent| extent.first <= logical)
    });
    let next = Extent::parse(records, after).map_or(end, |next| next.first.min(end));
    let found = after
        .checked_sub(1)
        .and_then(|index| Extent::parse(records, index));
    let covering = found.and_then(|extent| {
        let within = logical.checked_sub(extent.first)?;
        let left = extent.count.checked_sub(within).filter(|&left| left > 0)?;
        let start = extent.start.checked_add(within)?;
        Some(Span {
            start: (!extent.is_unwritten).then_some(start),
            count: left,
        })
    });
    covering.unwrap_or_else(|| hole(logical, next))
}

/// Nothing up to `end`.
fn hole(logical: u64, end: u64) -> Span {
    Span {
        start: None,
        count: end.saturating_sub(logical).max(1),
    }
}
