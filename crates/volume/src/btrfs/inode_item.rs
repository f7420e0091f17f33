//! Inode items.

use super::key::{Key, kind, object};
use super::root_item::FileTree;
use super::{Core, corrupt};
use crate::fields::{array, le32, le64};
use crate::{FileKind, FsError, Metadata};

/// What an inode item says.
#[derive(Debug, Clone)]
pub(crate) struct Inode {
    /// The tree that it is in.
    pub(super) tree: FileTree,
    pub(super) number: u64,
    pub(super) len: u64,
    mode: u16,
    modified_s: i64,
    /// 0 in a log that only says that the inode exists.
    pub(super) generation: u64,
}

impl Inode {
    pub(super) fn kind(&self) -> FileKind {
        match self.mode & 0xf000 {
            0x8000 => FileKind::File,
            0x4000 => FileKind::Directory,
            0xa000 => FileKind::Symlink,
            _ => FileKind::Special,
        }
    }

    pub(super) fn metadata(&self) -> Metadata {
        let Self {
            len, modified_s, ..
        } = *self;
        Metadata {
            kind: self.kind(),
            len,
            mode: self.mode & 0o7777,
            modified_s,
        }
    }

    pub(super) fn parse(tree: FileTree, number: u64, bytes: &[u8]) -> Result<Self, FsError> {
        let fields = || {
            let [low, high, _, _] = le32(bytes, 52)?.to_le_bytes();
            Some(Self {
                tree,
                number,
                len: le64(bytes, 16)?,
                mode: u16::from_le_bytes([low, high]),
                modified_s: i64::from_le_bytes(array(bytes, 136)?),
                generation: le64(bytes, 0)?,
            })
        };
        let found = fields().ok_or_else(|| corrupt(format!("inode {number} is cut off")))?;
        // Offsets are signed in the kernel.
        if i64::try_from(found.len).is_err() {
            return Err(corrupt(format!(
                "inode {number} is longer than a file can be"
            )));
        }
        Ok(found)
    }

    /// What stands in `directory` of a snapshot where its source has a subvolume.
    pub(super) fn empty_directory(directory: &Self) -> Self {
        Self {
            tree: directory.tree,
            number: object::EMPTY_SUBVOLUME_DIRECTORY,
            len: 0,
            mode: 0o40_755,
            modified_s: directory.modified_s,
            generation: 0,
        }
    }
}

impl Core {
    /// Inode `number`, as it is once the log is replayed.
    pub(super) fn find_inode(&self, tree: FileTree, number: u64) -> Result<Option<Inode>, FsError> {
        let key = Key::new(number, kind::INODE_ITEM, 0);
        let parse = |item: super::tree::Item| Inode::parse(tree, number, item.data());
        let committed = self.space.find(&tree.root, &key)?.map(parse).transpose()?;
        let Some(log) = self.logs.get(&tree.id) else {
            return Ok(committed);
        };
        let logged = self.space.find(&log.root, &key)?.map(parse).transpose()?;
        Ok(match (committed, logged) {
            // Only its existence was logged: what was committed stands, but for a new length.
            (Some(mut old), Some(new)) if new.generation == 0 => {
                let is_file = old.kind() == FileKind::File && new.kind() == FileKind::File;
                if is_file && new.len != 0 {
                    old.len = new.len;
                }
                Some(old)
            }
            (_, Some(new)) => Some(new),
            (old, None) => old,
        })
    }

    /// Inode `number`, which must be there.
    pub(super) fn inode(&self, tree: FileTree, number: u64) -> Result<Inode, FsError> {
        let id = tree.id;
        self.find_inode(tree, number)?
            .ok_or_else(|| corrupt(format!("subvolume {id} has no inode {number}")))
    }
}
