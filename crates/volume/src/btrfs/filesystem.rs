//! A subvolume behind the common interface.

use std::sync::Arc;

use detente_block::BlockRead;

use super::Core;
use super::dir_item::Target;
use super::file::BtrfsFile;
use super::inode_item::Inode;
use super::resolve::LastLink;
use super::root_item::FileTree;
use crate::{DirEntry, FileKind, FileSystem, FsError, Metadata};

/// One subvolume, and those below it.
pub(super) struct SubvolumeFiles {
    pub(super) core: Arc<Core>,
    pub(super) tree: FileTree,
}

impl SubvolumeFiles {
    fn resolve(&self, path: &str, last: LastLink) -> Result<Inode, FsError> {
        self.core.resolve(self.tree, path, last)
    }

    /// What `path` leads to, if it is of the kind that is wanted.
    fn expect(
        &self,
        path: &str,
        last: LastLink,
        (kind, wanted): (FileKind, &'static str),
    ) -> Result<Inode, FsError> {
        let found = self.resolve(path, last)?;
        if found.kind() != kind {
            return Err(FsError::WrongKind {
                path: path.to_owned(),
                wanted,
            });
        }
        Ok(found)
    }
}

impl FileSystem for SubvolumeFiles {
    fn metadata(&self, path: &str) -> Result<Metadata, FsError> {
        Ok(self.resolve(path, LastLink::Follow)?.metadata())
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
        let wanted = (FileKind::Directory, "directory");
        let directory = self.expect(path, LastLink::Follow, wanted)?;
        let mut entries = Vec::new();
        self.core.each_name(&directory, |entry| {
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

    fn read_link(&self, path: &str) -> Result<String, FsError> {
        let wanted = (FileKind::Symlink, "symbolic link");
        let link = self.expect(path, LastLink::Keep, wanted)?;
        Ok(String::from_utf8_lossy(&self.core.link_target(&link)?).into_owned())
    }

    fn open(&self, path: &str) -> Result<Arc<dyn BlockRead>, FsError> {
        let inode = self.expect(path, LastLink::Follow, (FileKind::File, "file"))?;
        Ok(Arc::new(BtrfsFile::new(self.core.clone(), inode)))
    }
}
