//! XFS behind the common interface.

use std::sync::Arc;

use detente_block::BlockRead;

use super::Xfs;
use super::file::XfsFile;
use super::resolve::LastLink;
use crate::{DirEntry, FileKind, FileSystem, FsError, Metadata};

/// XFS behind [`FileSystem`].
pub(crate) struct XfsFileSystem(pub(crate) Arc<Xfs>);

impl FileSystem for XfsFileSystem {
    fn metadata(&self, path: &str) -> Result<Metadata, FsError> {
        Ok(self.0.resolve(path, LastLink::Follow)?.metadata())
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
        let directory = self.0.resolve(path, LastLink::Follow)?;
        if directory.kind() != FileKind::Directory {
            return Err(FsError::WrongKind {
                path: path.to_owned(),
                wanted: "directory",
            });
        }
        let mut entries = Vec::new();
        self.0.each_name(&directory, |name| {
            let kind = match name.kind {
                Some(kind) => kind,
                None => self.0.inode(name.inode)?.kind(),
            };
            entries.push(DirEntry {
                name: String::from_utf8_lossy(name.bytes).into_owned(),
                kind,
            });
            Ok(true)
        })?;
        Ok(entries)
    }

    fn read_link(&self, path: &str) -> Result<String, FsError> {
        let link = self.0.resolve(path, LastLink::Keep)?;
        if link.kind() != FileKind::Symlink {
            return Err(FsError::WrongKind {
                path: path.to_owned(),
                wanted: "symbolic link",
            });
        }
        Ok(String::from_utf8_lossy(&self.0.link_target(&link)?).into_owned())
    }

    fn open(&self, path: &str) -> Result<Arc<dyn BlockRead>, FsError> {
        let inode = self.0.resolve(path, LastLink::Follow)?;
        if inode.kind() != FileKind::File {
            return Err(FsError::WrongKind {
                path: path.to_owned(),
                wanted: "file",
            });
        }
        Ok(Arc::new(XfsFile::new(self.0.clone(), inode)?))
    }
}
