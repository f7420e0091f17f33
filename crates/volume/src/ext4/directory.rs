//! Directories. Indexed ones read as plain ones: their index blocks look like empty entries.

use super::checksum::crc32c;
use super::inode::Inode;
use super::superblock::incompat;
use super::{Ext4, corrupt};
use crate::fields::{le16, le32};
use crate::{FileKind, FsError};

/// More than 300 000 names; what is longer is not read.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// One name.
pub(super) struct Name<'b> {
    pub(super) bytes: &'b [u8],
    pub(super) inode: u32,
    /// `None` where the directory does not say.
    pub(super) kind: Option<FileKind>,
}

impl Ext4 {
    /// Calls `each` for every name except `.` and `..` until it returns false.
    pub(super) fn each_name(
        &self,
        directory: &Inode,
        mut each: impl FnMut(Name<'_>) -> Result<bool, FsError>,
    ) -> Result<(), FsError> {
        self.check_data(directory)?;
        if directory.len > MAX_BYTES {
            let Inode { number, len, .. } = directory;
            return Err(super::unsupported(format!(
                "directory inode {number} has {len} bytes"
            )));
        }
        let block_bytes = self.superblock.block_bytes;
        for index in 0..directory.len.div_ceil(block_bytes) {
            let Some(start) = self.locate(directory, index)?.start else {
                continue;
            };
            let block = self.block(start)?;
            if !is_index(directory, index, &block) {
                self.check_directory_block(directory, &block)?;
            }
            let mut rest = block.as_slice();
            while let Some((name, following)) = self.split_name(rest)? {
                rest = following;
                let is_dots = matches!(name.bytes, b"." | b"..");
                if name.inode != 0 && !name.bytes.is_empty() && !is_dots && !each(name)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The first entry of `bytes` and what follows it; `None` at the end of the block.
    fn split_name<'b>(&self, bytes: &'b [u8]) -> Result<Option<(Name<'b>, &'b [u8])>, FsError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let bad = || corrupt("a directory entry does not fit its block");
        let inode = le32(bytes, 0).ok_or_else(bad)?;
        let step = match le16(bytes, 4).ok_or_else(bad)? {
            // [ext4] directory entries: 64 KiB does not fit the field.
            0 | 65_535 => 65_536,
            step => usize::from(step),
        };
        let (entry, rest) = bytes.split_at_checked(step).ok_or_else(bad)?;
        let has_type = self.superblock.incompat & incompat::FILETYPE != 0;
        let len = usize::from(*entry.get(6).ok_or_else(bad)?);
        let bytes = entry.get(8..len.saturating_add(8)).ok_or_else(bad)?;
        let kind = match entry.get(7) {
            Some(1) if has_type => Some(FileKind::File),
            Some(2) if has_type => Some(FileKind::Directory),
            Some(7) if has_type => Some(FileKind::Symlink),
            Some(3..=6) if has_type => Some(FileKind::Special),
            _ => None,
        };
        Ok(Some((Name { bytes, inode, kind }, rest)))
    }

    /// The sum stands in what looks like an entry of type 0xDE at the end of the block.
    fn check_directory_block(&self, directory: &Inode, block: &[u8]) -> Result<(), FsError> {
        let Some(seed) = self.inode_seed(directory) else {
            return Ok(());
        };
        let Some((covered, tail)) = block
            .len()
            .checked_sub(12)
            .and_then(|at| block.split_at_checked(at))
        else {
            return Ok(());
        };
        let is_tail = le32(tail, 0) == Some(0) && le32(tail, 4) == Some(0xde00_000c);
        if is_tail && le32(tail, 8) != Some(crc32c(seed, covered)) {
            let number = directory.number;
            return Err(corrupt(format!(
                "a block of directory inode {number} has a wrong checksum"
            )));
        }
        Ok(())
    }
}

/// Whether a block holds no names but `.` and `..`: the first of an indexed directory, and those
/// that begin with an unused entry as long as the block. They have a sum of another kind, and where
/// a leaf was before, the end of the leaf's may have stayed.
fn is_index(directory: &Inode, index: u64, block: &[u8]) -> bool {
    let step = le16(block, 4).map(|step| match step {
        0 | 65_535 => 65_536,
        step => usize::from(step),
    });
    let is_empty = le32(block, 0) == Some(0) && step == Some(block.len());
    directory.has_index() && (index == 0 || is_empty)
}
