//! ext4 behind the common interface.

use std::sync::Arc;

use detente_block::BlockRead;

use super::file::Ext4File;
use super::inode::Inode;
use super::{Ext4, corrupt};
use crate::walk::Walk;
use crate::{DirEntry, FileKind, FsError, Metadata};

/// `PATH_MAX`: no link's target is longer.
const MAX_TARGET_BYTES: u64 = 4096;
/// The root directory's number.
const ROOT: u32 = 2;

impl Walk for Ext4 {
    type Node = Inode;
    const FORMAT: &'static str = "ext4";

    fn root(&self) -> Result<Inode, FsError> {
        self.inode(ROOT)
    }

    fn kind(node: &Inode) -> FileKind {
        node.kind()
    }

    fn metadata(node: &Inode) -> Metadata {
        node.metadata()
    }

    fn search_bytes(directory: &Inode) -> u64 {
        directory.len
    }

    fn child(&self, directory: &Inode, name: &[u8]) -> Result<Option<Inode>, FsError> {
        if let Some(inode) = self.names.get(directory.number, name) {
            return Ok(Some(inode));
        }
        let Some(number) = self.lookup(directory, name)? else {
            return Ok(None);
        };
        let inode = self.inode(number)?;
        self.names.put(directory.number, name, &inode);
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
        self.check_data(link)?;
        if link.len > MAX_TARGET_BYTES {
            return Err(corrupt(format!("link inode {} is too long", link.number)));
        }
        let len = usize::try_from(link.len).unwrap_or(0);
        // [ext4] symbolic links: a target that fits stands in place of the block map.
        if let Some(short) = link
            .map
            .get(..len)
            .filter(|_| len < 60 && !link.has_extents())
        {
            return Ok(short.to_vec());
        }
        let mut target = vec![0; len];
        self.read_data(link, 0, &mut target)?;
        Ok(target)
    }

    fn open(self: Arc<Self>, _path: &str, file: Inode) -> Result<Arc<dyn BlockRead>, FsError> {
        Ok(Arc::new(Ext4File::new(self, file)?))
    }
}

impl Ext4 {
    /// The inode number that stands beside `wanted`.
    fn lookup(&self, directory: &Inode, wanted: &[u8]) -> Result<Option<u32>, FsError> {
        let mut found = None;
        self.each_name(directory, |name| {
            if name.bytes == wanted {
                found = Some(name.inode);
            }
            Ok(found.is_none())
        })?;
        Ok(found)
    }
}
