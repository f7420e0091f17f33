//! Root items: where a tree is, and what a subvolume is like.

use super::corrupt;
use super::key::{Key, kind, object};
use super::space::Space;
use super::superblock::TreeRoot;
use super::tree::Item;
use crate::FsError;
use crate::fields::{le32, le64, uuid};

/// `BTRFS_ROOT_SUBVOL_RDONLY`.
const FLAG_READ_ONLY: u64 = 1;

/// A tree of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileTree {
    /// The subvolume's number.
    pub(super) id: u64,
    pub(super) root: TreeRoot,
    /// The inode of its root directory.
    pub(super) root_dir: u64,
}

/// What else its root item says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RootItem {
    pub(super) tree: FileTree,
    pub(super) uuid: String,
    pub(super) read_only: bool,
    /// Nobody refers to a subvolume that is being deleted.
    pub(super) is_deleted: bool,
}

impl RootItem {
    pub(super) fn parse(item: &Item) -> Result<Self, FsError> {
        let id = item.key.objectid;
        let found = Self::fields(id, item.data());
        let found =
            found.ok_or_else(|| corrupt(format!("the root item of tree {id} is cut off")))?;
        if found.tree.root.level >= 8 {
            return Err(corrupt(format!("tree {id} has more than eight levels")));
        }
        Ok(found)
    }

    fn fields(id: u64, bytes: &[u8]) -> Option<Self> {
        let generation = le64(bytes, 160)?;
        // What follows was added later, and is only right where the second generation is the first.
        let is_new = le64(bytes, 239) == Some(generation);
        let own = uuid(bytes, 247).filter(|_| is_new);
        let nil = || uuid(&[0; 16], 0).unwrap_or_default();
        Some(Self {
            tree: FileTree {
                id,
                root: TreeRoot {
                    logical: le64(bytes, 176)?,
                    level: *bytes.get(238)?,
                    generation,
                },
                root_dir: le64(bytes, 168)?,
            },
            uuid: own.unwrap_or_else(nil),
            read_only: le64(bytes, 208)? & FLAG_READ_ONLY != 0,
            is_deleted: le32(bytes, 216)? == 0,
        })
    }
}

impl Space {
    /// The root item of tree `id`, if there is one.
    pub(super) fn root_item(&self, id: u64) -> Result<Option<RootItem>, FsError> {
        // The offset of a snapshot's root item is the transaction that made it.
        let last = Key::new(id, kind::ROOT_ITEM, u64::MAX);
        let found = self.last_at_or_before(&self.superblock.root, &last)?;
        let found = found.filter(|item| item.key.is_beside(&last));
        found.map(|item| RootItem::parse(&item)).transpose()
    }
}

/// Whether `id` can be that of a subvolume.
pub(super) fn is_subvolume(id: u64) -> bool {
    id == object::FS_TREE || (object::FIRST_FREE..=object::LAST_FREE).contains(&id)
}
