//! XFS behind the common interface.

use std::sync::Arc;

use detente_block::BlockRead;

use super::Xfs;
use super::file::XfsFile;
use super::inode::Inode;
use crate::walk::Walk;
use crate::{DirEntry, FileKind, FsError, Metadata};

/// What a search of one directory may cost: long ones have an index.
const MAX_SEARCH_BYTES: u64 = 2 * 1024 * 1024;
/// Inodes with longer forks are not remembered.
const MAX_FORK_BYTES: usize = 256;

impl Walk for Xfs {
    type Node = Inode;
    const FORMAT: &'static str = "XFS";

    fn root(&self) -> Result<Inode, FsError> {
        self.inode(self.superblock.root)
    }

    fn kind(node: &Inode) -> FileKind {
        node.kind()
    }

    fn metadata(node: &Inode) -> Metadata {
        node.metadata()
    }

    fn search_bytes(directory: &Inode) -> u64 {
        directory.len.min(MAX_SEARCH_BYTES)
    }

    fn child(&self, directory: &Inode, name: &[u8]) -> Result<Option<Inode>, FsError> {
        if let Some(inode) = self.names.get(directory.number, name) {
            return Ok(Some(inode));
        }
        let Some(number) = self.lookup(directory, name)? else {
            return Ok(None);
        };
        let inode = self.inode(number)?;
        if inode.fork.len() <= MAX_FORK_BYTES {
            self.names.put(directory.number, name, &inode);
        }
        Ok(Some(inode))
    }

    fn entries(&self, directory: &Inode) -> Result<Vec<DirEntry>, FsError> {
        let mut entries = Vec::new();
        self.each_name(directory, |name| {
            let kind = match name.kind {
                Some(kind) => kind,
                None => self.inode(name.inode)?.kind(),
            };
            entries.push(DirEntry {
                name: String::from_utf8_lossy(name.bytes).into_owned(),
                kind,
            });
            Ok(true)
        })?;
        Ok(entries)
    }

    fn link_target(&self, link: &Inode) -> Result<Vec<u8>, FsError> {
        self.target(link)
    }

    fn open(self: Arc<Self>, _path: &str, file: Inode) -> Result<Arc<dyn BlockRead>, FsError> {
        Ok(Arc::new(XfsFile::new(self, file)?))
    }
}
