//! Keys: every item of every tree has one, and trees are sorted by them.

use crate::fields::le64;

/// How long a key is on disk.
pub(super) const KEY_BYTES: usize = 17;

/// The kinds of items that are read. \[btrfs\] item types.
pub(super) mod kind {
    pub(in crate::btrfs) const INODE_ITEM: u8 = 1;
    pub(in crate::btrfs) const INODE_REF: u8 = 12;
    pub(in crate::btrfs) const INODE_EXTREF: u8 = 13;
    pub(in crate::btrfs) const DIR_LOG_INDEX: u8 = 72;
    pub(in crate::btrfs) const DIR_ITEM: u8 = 84;
    pub(in crate::btrfs) const DIR_INDEX: u8 = 96;
    pub(in crate::btrfs) const EXTENT_DATA: u8 = 108;
    pub(in crate::btrfs) const ROOT_ITEM: u8 = 132;
    pub(in crate::btrfs) const ROOT_BACKREF: u8 = 144;
    pub(in crate::btrfs) const ROOT_REF: u8 = 156;
    pub(in crate::btrfs) const CHUNK_ITEM: u8 = 228;
}

/// The numbers of trees and of other things that have a fixed one. \[btrfs\] reserved object ids.
pub(super) mod object {
    /// The top-level subvolume.
    pub(in crate::btrfs) const FS_TREE: u64 = 5;
    /// The first number of a subvolume that is not the top level, and of an inode.
    pub(in crate::btrfs) const FIRST_FREE: u64 = 256;
    /// The last: -256. Those above are reserved.
    pub(in crate::btrfs) const LAST_FREE: u64 = u64::MAX - 255;
    /// All chunk items.
    pub(in crate::btrfs) const FIRST_CHUNK_TREE: u64 = 256;
    /// All log trees: -6.
    pub(in crate::btrfs) const TREE_LOG: u64 = u64::MAX - 5;
    /// What stands in the place of a subvolume that is not part of a snapshot.
    pub(in crate::btrfs) const EMPTY_SUBVOLUME_DIRECTORY: u64 = 2;
}

/// A key; the order of its fields is the order of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) objectid: u64,
    pub(super) kind: u8,
    pub(super) offset: u64,
}

impl Key {
    pub(super) const fn new(objectid: u64, kind: u8, offset: u64) -> Self {
        Self {
            objectid,
            kind,
            offset,
        }
    }

    /// `None` when the bytes end before it does.
    pub(super) fn parse(bytes: &[u8], at: usize) -> Option<Self> {
        Some(Self {
            objectid: le64(bytes, at)?,
            kind: *bytes.get(at.checked_add(8)?)?,
            offset: le64(bytes, at.checked_add(9)?)?,
        })
    }

    /// Whether both belong to one object and are of one kind.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        self.objectid == other.objectid && self.kind == other.kind
    }
}
