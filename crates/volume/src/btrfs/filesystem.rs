//! A subvolume behind the common interface.

use std::sync::Arc;

use detente_block::BlockRead;

use super::dir_item::Target;
use super::file::BtrfsFile;
use super::inode_item::Inode;
use super::root_item::FileTree;
use super::{Core, corrupt};
use crate::walk::Walk;
use crate::{DirEntry, FileKind, FsError, Metadata};

/// `PATH_MAX`: no link's target is longer.
const MAX_TARGET_BYTES: u64 = 4096;
/// What a search costs, however long the directory is: it goes down a tree of at most eight levels,
/// whose upper ones are in memory.
const SEARCH_BYTES: u64 = 8192;

/// One subvolume, and those below it.
pub(super) struct SubvolumeFiles {
    pub(super) core: Arc<Core>,
    pub(super) tree: FileTree,
}

impl Walk for SubvolumeFiles {
    type Node = Inode;
    const FORMAT: &'static str = "btrfs";

    fn root(&self) -> Result<Inode, FsError> {
        self.core.inode(self.tree, self.tree.root_dir)
    }

    fn kind(node: &Inode) -> FileKind {
        node.kind()
    }

    fn metadata(node: &Inode) -> Metadata {
        node.metadata()
    }

    fn search_bytes(_directory: &Inode) -> u64 {
        SEARCH_BYTES
    }

    fn child(&self, directory: &Inode, name: &[u8]) -> Result<Option<Inode>, FsError> {
        self.core.child(directory, name)
    }

    fn entries(&self, directory: &Inode) -> Result<Vec<DirEntry>, FsError> {
        let mut entries = Vec::new();
        self.core.each_name(directory, |entry| {
            let kind = match (entry.kind, entry.target) {
                (Some(kind), _) => kind,
                (None, Target::Inode(number)) => self.core.inode(directory.tree, number)?.kind(),
                (None, Target::Subvolume(_)) => FileKind::Directory,
            };
            entries.push(DirEntry {
                name: String::from_utf8_lossy(entry.name).into_owned(),
                kind,
            });
            Ok(true)
        })?;
        Ok(entries)
    }

    /// What would be the content of a file.
    fn link_target(&self, link: &Inode) -> Result<Vec<u8>, FsError> {
        if link.len > MAX_TARGET_BYTES {
            return Err(corrupt(format!("link inode {} is too long", link.number)));
        }
        let mut target = vec![0; usize::try_from(link.len).unwrap_or(0)];
        self.core.read_data(link, 0, &mut target)?;
        Ok(target)
    }

    fn open(self: Arc<Self>, _path: &str, file: Inode) -> Result<Arc<dyn BlockRead>, FsError> {
        Ok(Arc::new(BtrfsFile::new(self.core.clone(), file)))
    }
}
