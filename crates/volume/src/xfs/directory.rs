//! Directories: in the inode, one block with its own index, or blocks with an index of hashes
//! beside them. Listing goes through the names, searching through the index.

mod data;
mod hash;
mod short;

use super::block::Block;
use super::inode::{Format, Inode};
use super::{Xfs, corrupt, unsupported};
use crate::{FileKind, FsError};

/// More than 300 000 names; longer ones are not listed (but searched).
const MAX_LISTED_BYTES: u64 = 16 * 1024 * 1024;

/// One name.
pub(super) struct Name<'b> {
    pub(super) bytes: &'b [u8],
    pub(super) inode: u64,
    /// `None` where the directory does not say.
    pub(super) kind: Option<FileKind>,
}

/// \[xfs\] directory file types.
fn kind_of(byte: u8) -> Option<FileKind> {
    match byte {
        1 => Some(FileKind::File),
        2 => Some(FileKind::Directory),
        3..=6 => Some(FileKind::Special),
        7 => Some(FileKind::Symlink),
        _ => None,
    }
}

impl Xfs {
    /// Calls `each` for every name except `.` and `..` until it returns false.
    pub(super) fn each_name(
        &self,
        directory: &Inode,
        mut each: impl FnMut(Name<'_>) -> Result<bool, FsError>,
    ) -> Result<(), FsError> {
        directory.check_data()?;
        if directory.format == Format::Local {
            return short::each_name(directory, self.superblock.has_kinds, &mut each);
        }
        let Inode { number, len, .. } = *directory;
        if len > MAX_LISTED_BYTES {
            return Err(unsupported(format!(
                "directory inode {number} has {len} bytes"
            )));
        }
        let step = self.superblock.directory_bytes;
        let mut at = 0;
        while at < len {
            if let Some(block) = self.directory_block(directory, at)? {
                let names = data::names(self, directory, &block)?;
                for name in names {
                    let name = name?;
                    if !matches!(name.bytes, b"." | b"..") && !each(name)? {
                        return Ok(());
                    }
                }
            }
            at = at.saturating_add(step);
        }
        Ok(())
    }

    /// The inode that `wanted` stands for.
    pub(super) fn lookup(&self, directory: &Inode, wanted: &[u8]) -> Result<Option<u64>, FsError> {
        directory.check_data()?;
        let is_indexed = directory.format != Format::Local
            && directory.len > self.superblock.directory_bytes
            && !self.superblock.is_case_blind;
        if is_indexed {
            return hash::lookup(self, directory, wanted);
        }
        let mut found = None;
        self.each_name(directory, |name| {
            let is_wanted = if self.superblock.is_case_blind {
                name.bytes.eq_ignore_ascii_case(wanted)
            } else {
                name.bytes == wanted
            };
            found = is_wanted.then_some(name.inode);
            Ok(found.is_none())
        })?;
        Ok(found)
    }

    /// The directory block at byte `at` of the directory; `None` in a hole. It may be made of
    /// several pieces, each of which has to be there.
    fn directory_block(&self, directory: &Inode, at: u64) -> Result<Option<Block>, FsError> {
        let blocks = self.superblock.block_of(self.superblock.directory_bytes);
        let first = self.superblock.block_of(at);
        let mut whole: Option<Block> = None;
        let mut done = 0;
        while done < blocks {
            let span = self.locate(directory, first.saturating_add(done))?;
            let count = span.count.min(blocks.saturating_sub(done));
            let Some(start) = span.start else {
                if done == 0 && count == blocks {
                    return Ok(None);
                }
                let number = directory.number;
                return Err(corrupt(format!(
                    "a block of directory inode {number} has a hole"
                )));
            };
            let piece = self.blocks(start, count)?;
            match &mut whole {
                None => whole = Some(piece),
                Some(whole) => {
                    whole.bytes.extend(piece.bytes);
                    whole.is_replayed |= piece.is_replayed;
                }
            }
            done = done.saturating_add(count);
        }
        Ok(whole)
    }
}
