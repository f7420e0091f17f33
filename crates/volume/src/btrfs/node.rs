//! Tree blocks: nodes that lead to others, and leaves that hold items.

use super::corrupt;
use super::key::Key;
use super::superblock::{Superblock, TreeRoot};
use crate::FsError;
use crate::fields::{array, le32, le64};

/// How long the header is, a pointer of a node, and the head of an item.
const HEADER_BYTES: usize = 101;
const POINTER_BYTES: usize = 33;
const ITEM_BYTES: usize = 25;

/// A tree block, proved: keys go up, and items lie inside.
#[derive(Debug)]
pub(super) struct Node {
    bytes: Box<[u8]>,
    pub(super) logical: u64,
    pub(super) level: u8,
    generation: u64,
    count: usize,
}

impl Node {
    /// Checks all that a block says of itself.
    pub(super) fn parse(
        bytes: Box<[u8]>,
        logical: u64,
        superblock: &Superblock,
    ) -> Result<Self, FsError> {
        let bad = |rule| corrupt(format!("the tree block at {logical:#x} {rule}"));
        if !superblock.checksum.holds(&bytes) {
            return Err(bad("has a wrong checksum"));
        }
        let fields = || Some((le64(&bytes, 80)?, le32(&bytes, 96)?, *bytes.get(100)?));
        let (generation, count, level) = fields().ok_or_else(|| bad("is cut off"))?;
        if le64(&bytes, 48) != Some(logical) {
            return Err(bad("is that of another place"));
        }
        if array(&bytes, 32) != Some(superblock.metadata_uuid) {
            return Err(bad("belongs to another file system"));
        }
        let node = Self {
            logical,
            level,
            generation,
            count: usize::try_from(count).unwrap_or(usize::MAX),
            bytes,
        };
        let room = node.bytes.len().saturating_sub(HEADER_BYTES);
        let most = room.checked_div(node.entry_bytes()).unwrap_or(0);
        if node.count > most || (level > 0 && node.count == 0) || level >= 8 {
            return Err(bad("claims what cannot be"));
        }
        let keys = || (0..node.count).map(|index| node.key(index));
        if !keys().zip(keys().skip(1)).all(|(left, right)| left < right) {
            return Err(bad("has keys out of order"));
        }
        if level == 0 && !(0..node.count).all(|index| node.item(index).is_some()) {
            return Err(bad("has an item outside of itself"));
        }
        Ok(node)
    }

    /// Whether it is the block that was meant.
    pub(super) fn is_as_expected(&self, expect: &TreeRoot) -> Result<(), FsError> {
        let bad = |rule| corrupt(format!("the tree block at {:#x} {rule}", self.logical));
        if self.level != expect.level {
            return Err(bad("is of the wrong level"));
        }
        if self.generation != expect.generation {
            return Err(bad("is of the wrong generation"));
        }
        Ok(())
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    fn entry_bytes(&self) -> usize {
        if self.level == 0 {
            ITEM_BYTES
        } else {
            POINTER_BYTES
        }
    }

    fn entry(&self, index: usize) -> Option<usize> {
        let at = self.entry_bytes().checked_mul(index)?;
        at.checked_add(HEADER_BYTES).filter(|_| index < self.count)
    }

    pub(super) fn key(&self, index: usize) -> Option<Key> {
        Key::parse(&self.bytes, self.entry(index)?)
    }

    /// The first entry whose key is not below `key`.
    pub(super) fn first_at_or_after(&self, key: &Key) -> usize {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if self.key(middle).is_some_and(|found| found < *key) {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        low
    }

    /// The last entry whose key is not above `key`.
    pub(super) fn last_at_or_before(&self, key: &Key) -> Option<usize> {
        let at = self.first_at_or_after(key);
        if self.key(at).as_ref() == Some(key) {
            return Some(at);
        }
        at.checked_sub(1)
    }

    /// What a node's entry leads to.
    pub(super) fn child(&self, index: usize) -> Option<TreeRoot> {
        let at = self.entry(index)?;
        Some(TreeRoot {
            logical: le64(&self.bytes, at.checked_add(17)?)?,
            level: self.level.checked_sub(1)?,
            generation: le64(&self.bytes, at.checked_add(25)?)?,
        })
    }

    /// The content of a leaf's item.
    pub(super) fn item(&self, index: usize) -> Option<&[u8]> {
        let at = self.entry(index).filter(|_| self.level == 0)?;
        let start = usize::try_from(le32(&self.bytes, at.checked_add(17)?)?).ok()?;
        let len = usize::try_from(le32(&self.bytes, at.checked_add(21)?)?).ok()?;
        let start = start.checked_add(HEADER_BYTES)?;
        self.bytes.get(start..start.checked_add(len)?)
    }
}
