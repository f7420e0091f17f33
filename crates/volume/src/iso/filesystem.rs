//! ISO 9660 behind the common interface.

use std::sync::Arc;

use detente_block::BlockRead;

use super::directory::Visit;
use super::file::IsoFile;
use super::resolve::LastLink;
use super::{Iso, unsupported};
use crate::{DirEntry, FileKind, FileSystem, FsError, Metadata};

/// ISO 9660 behind [`FileSystem`].
pub(crate) struct IsoFileSystem(pub(crate) Arc<Iso>);

impl FileSystem for IsoFileSystem {
    fn metadata(&self, path: &str) -> Result<Metadata, FsError> {
        Ok(self.0.resolve(path, LastLink::Follow)?.metadata())
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
        let directory = self.0.resolve(path, LastLink::Follow)?;
        if directory.kind() != FileKind::Directory {
            return Err(wrong_kind(path, "directory"));
        }
        let mut entries = Vec::new();
        self.0.each_name(&directory, |name, node| {
            entries.push(DirEntry {
                name: String::from_utf8_lossy(&name).into_owned(),
                kind: node.kind(),
            });
            Visit::More
        })?;
        Ok(entries)
    }

    fn read_link(&self, path: &str) -> Result<String, FsError> {
        let node = self.0.resolve(path, LastLink::Keep)?;
        let target = node.link.ok_or_else(|| wrong_kind(path, "symbolic link"))?;
        Ok(String::from_utf8_lossy(&target).into_owned())
    }

    fn open(&self, path: &str) -> Result<Arc<dyn BlockRead>, FsError> {
        let node = self.0.resolve(path, LastLink::Follow)?;
        if node.kind() != FileKind::File {
            return Err(wrong_kind(path, "file"));
        }
        if let Some(why) = node.refused {
            return Err(unsupported(format!("{path}: {why}")));
        }
        Ok(Arc::new(IsoFile::new(self.0.clone(), &node)?))
    }
}

fn wrong_kind(path: &str, wanted: &'static str) -> FsError {
    FsError::WrongKind {
        path: path.to_owned(),
        wanted,
    }
}
