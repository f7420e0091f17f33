//! From a file's blocks to the volume's: extents, and the older block maps.

use super::checksum::crc32c;
use super::inode::Inode;
use super::{Ext4, corrupt};
use crate::FsError;
use crate::fields::{le16, le32};

/// \[ext4\] extents: the kernel makes trees of at most five levels.
const MAX_DEPTH: u16 = 5;
/// Header and entries of an extent block have the same size.
const ENTRY: usize = 12;

/// Blocks of a file that are alike and stand one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The first block on the volume; `None` reads as zero.
    pub(super) start: Option<u64>,
    /// How many blocks, at least 1.
    pub(super) count: u64,
}

impl Ext4 {
    /// Where block `logical` of a file is, and how far it goes on so.
    pub(super) fn locate(&self, inode: &Inode, logical: u64) -> Result<Span, FsError> {
        if inode.has_extents() {
            self.locate_extent(inode, logical)
        } else {
            self.locate_mapped(inode, logical)
        }
    }

    fn locate_extent(&self, inode: &Inode, logical: u64) -> Result<Span, FsError> {
        let mut node = Node::parse(&inode.map)?;
        // Blocks from here on belong to the node's right neighbour.
        let mut end = u64::from(u32::MAX).saturating_add(1);
        let mut held;
        for _ in 0..=MAX_DEPTH {
            let index = node.last_at_or_before(logical);
            let following = index.map_or(0, |index| index.saturating_add(1));
            end = node
                .first_block(following)
                .map_or(end, |first| first.min(end));
            let rest = end.saturating_sub(logical).max(1);
            let Some(index) = index else {
                return Ok(Span {
                    start: None,
                    count: rest,
                });
            };
            if node.depth == 0 {
                return node.span(index, logical, rest);
            }
            let depth = node.depth;
            held = self.block(node.child(index)?)?;
            node = Node::parse(&held)?;
            if node.depth.checked_add(1) != Some(depth) {
                return Err(corrupt("an extent block is of the wrong depth"));
            }
            self.check_extent_block(inode, &held, &node)?;
        }
        Err(corrupt("an extent tree is too deep"))
    }

    /// The checksum follows the last entry that there is room for.
    fn check_extent_block(
        &self,
        inode: &Inode,
        bytes: &[u8],
        node: &Node<'_>,
    ) -> Result<(), FsError> {
        let Some(seed) = self.inode_seed(inode) else {
            return Ok(());
        };
        let end = ENTRY.saturating_mul(usize::from(node.max).saturating_add(1));
        let covered = bytes.get(..end).unwrap_or_default();
        match le32(bytes, end) {
            Some(sum) if sum == crc32c(seed, covered) => Ok(()),
            _ => Err(corrupt(format!(
                "an extent block of inode {} has a wrong checksum",
                inode.number
            ))),
        }
    }

    /// Twelve direct blocks, then trees of one, two and three levels. \[ext4\] block map.
    fn locate_mapped(&self, inode: &Inode, logical: u64) -> Result<Span, FsError> {
        if let Some(rest) = 12_u64.checked_sub(logical).filter(|&rest| rest > 0) {
            return Ok(run(&inode.map, logical, rest));
        }
        let width = self.superblock.block_bytes.checked_div(4).unwrap_or(0);
        let mut first = 12_u64;
        let mut reach = 1_u64;
        for level in 0..3_usize {
            let below = reach;
            reach = reach.saturating_mul(width);
            let Some(within) = logical.checked_sub(first).filter(|&within| within < reach) else {
                first = first.saturating_add(reach);
                continue;
            };
            let at = level.saturating_add(12).saturating_mul(4);
            let root = le32(&inode.map, at).unwrap_or(0);
            return self.descend(root, within, below, width);
        }
        Err(corrupt("a file is longer than its block map"))
    }

    /// Goes down a tree whose root's entries cover `below` blocks each.
    fn descend(&self, root: u32, within: u64, below: u64, width: u64) -> Result<Span, FsError> {
        let (mut block, mut within, mut below) = (root, within, below);
        loop {
            if block == 0 {
                let all = below.saturating_mul(width);
                return Ok(Span {
                    start: None,
                    count: all.saturating_sub(within).max(1),
                });
            }
            let table = self.block(u64::from(block))?;
            let index = within.checked_div(below).unwrap_or(0);
            if below <= 1 {
                return Ok(run(&table, index, width.saturating_sub(index)));
            }
            block = pointer(&table, index).unwrap_or(0);
            within = within.checked_rem(below).unwrap_or(0);
            below = below.checked_div(width).unwrap_or(0);
        }
    }
}

/// The block number in place `index`.
fn pointer(table: &[u8], index: u64) -> Option<u32> {
    le32(table, usize::try_from(index).ok()?.checked_mul(4)?)
}

/// How far the block numbers from `index` on go up by one (or stay zero), `most` at most.
fn run(table: &[u8], index: u64, most: u64) -> Span {
    let first = pointer(table, index).unwrap_or(0);
    let goes_on = |&count: &u64| {
        let step = if first == 0 {
            Some(0)
        } else {
            u32::try_from(count).ok()
        };
        let expected = step.and_then(|step| first.checked_add(step));
        let found = index
            .checked_add(count)
            .and_then(|index| pointer(table, index));
        expected.is_some() && found == expected
    };
    let more = (1..most).take_while(goes_on).count();
    let count = u64::try_from(more).unwrap_or(0).saturating_add(1);
    Span {
        start: (first != 0).then_some(u64::from(first)),
        count,
    }
}

/// A node of an extent tree.
struct Node<'b> {
    bytes: &'b [u8],
    entries: u16,
    max: u16,
    depth: u16,
}

impl<'b> Node<'b> {
    fn parse(bytes: &'b [u8]) -> Result<Self, FsError> {
        let fields = || {
            Some((
                le16(bytes, 0)?,
                le16(bytes, 2)?,
                le16(bytes, 4)?,
                le16(bytes, 6)?,
            ))
        };
        let (magic, entries, max, depth) =
            fields().ok_or_else(|| corrupt("an extent block is cut off"))?;
        if magic != 0xf30a {
            return Err(corrupt("an extent block has no magic number"));
        }
        let room = bytes.len().checked_div(ENTRY).unwrap_or(0);
        if usize::from(max) >= room || entries > max || depth > MAX_DEPTH {
            return Err(corrupt("an extent block claims more than it can hold"));
        }
        Ok(Self {
            bytes,
            entries,
            max,
            depth,
        })
    }

    fn entry(&self, index: u16) -> Option<&'b [u8]> {
        let start = ENTRY.checked_mul(usize::from(index).checked_add(1)?)?;
        self.bytes
            .get(start..start.checked_add(ENTRY)?)
            .filter(|_| index < self.entries)
    }

    fn first_block(&self, index: u16) -> Option<u64> {
        le32(self.entry(index)?, 0).map(u64::from)
    }

    /// Entries are sorted; where a hostile tree's are not, some entry is found or none.
    fn last_at_or_before(&self, logical: u64) -> Option<u16> {
        let (mut low, mut high) = (0, self.entries);
        while low < high {
            let middle = low.midpoint(high);
            if self
                .first_block(middle)
                .is_some_and(|first| first <= logical)
            {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        low.checked_sub(1)
    }

    /// The block of a lower node.
    fn child(&self, index: u16) -> Result<u64, FsError> {
        let entry = self.entry(index).unwrap_or_default();
        let place = || Some(u64::from(le16(entry, 8)?) << 32 | u64::from(le32(entry, 4)?));
        place().ok_or_else(|| corrupt("an extent entry is cut off"))
    }

    /// What the extent at `index` says of `logical`; at most `rest` blocks.
    fn span(&self, index: u16, logical: u64, rest: u64) -> Result<Span, FsError> {
        let entry = self.entry(index).unwrap_or_default();
        let fields = || {
            let start = u64::from(le16(entry, 6)?) << 32 | u64::from(le32(entry, 8)?);
            Some((u64::from(le32(entry, 0)?), le16(entry, 4)?, start))
        };
        let (first, raw, start) = fields().ok_or_else(|| corrupt("an extent is cut off"))?;
        // [ext4] extents: above 32768 the extent is allocated but not yet written.
        let is_unwritten = raw > 32_768;
        let len = u64::from(if is_unwritten {
            raw.saturating_sub(32_768)
        } else {
            raw
        });
        let within = logical.saturating_sub(first);
        let Some(left) = len.checked_sub(within).filter(|&left| left > 0) else {
            return Ok(Span {
                start: None,
                count: rest,
            });
        };
        let start = (!is_unwritten).then(|| start.saturating_add(within));
        Ok(Span {
            start,
            count: left.min(rest),
        })
    }
}
