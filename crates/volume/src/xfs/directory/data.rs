//! Blocks of names.

use super::{Name, kind_of};
use crate::FsError;
use crate::fields::{be16, be32, be64};
use crate::xfs::block::{Block, Places};
use crate::xfs::inode::Inode;
use crate::xfs::{Xfs, corrupt};

const PLACES: Places = Places {
    what: "a directory block",
    crc: 4,
    address: 8,
    uuid: 24,
    owner: 40,
};

/// The names of one block.
pub(super) struct Names<'b> {
    bytes: &'b [u8],
    at: usize,
    end: usize,
    has_kinds: bool,
    number: u64,
}

/// Checks a block of names and goes through them.
pub(super) fn names<'b>(
    fs: &Xfs,
    directory: &Inode,
    block: &'b Block,
) -> Result<Names<'b>, FsError> {
    let number = directory.number;
    let bytes = block.bytes.as_slice();
    // [xfs] "XD2B", "XD2D" of version 4, "XDB3", "XDD3" of version 5; those with a B hold an index.
    let (has_index, is_new) = match be32(bytes, 0) {
        Some(0x5844_3242) => (true, false),
        Some(0x5844_3244) => (false, false),
        Some(0x5844_4233) => (true, true),
        Some(0x5844_4433) => (false, true),
        _ => {
            return Err(corrupt(format!(
                "a block of directory inode {number} has no magic number"
            )));
        }
    };
    if is_new != fs.superblock.has_checksums {
        return Err(corrupt(format!(
            "a block of directory inode {number} is of another version"
        )));
    }
    if is_new {
        fs.check_block(block, &PLACES, number)?;
    }
    let end = match has_index {
        false => Some(bytes.len()),
        true => index_start(bytes),
    };
    Ok(Names {
        bytes,
        at: if is_new { 64 } else { 16 },
        end: end.ok_or_else(|| {
            corrupt(format!(
                "the index of directory inode {number} does not fit its block"
            ))
        })?,
        has_kinds: fs.superblock.has_kinds,
        number,
    })
}

/// The index stands before the last eight bytes, which start with its count.
fn index_start(bytes: &[u8]) -> Option<usize> {
    let tail = bytes.len().checked_sub(8)?;
    let count = usize::try_from(be32(bytes, tail)?).ok()?;
    tail.checked_sub(count.checked_mul(8)?)
}

impl<'b> Names<'b> {
    /// The name at byte `at` of the block.
    pub(super) fn at(mut self, at: usize) -> Option<Result<Name<'b>, FsError>> {
        self.at = self.at.max(at);
        self.next().filter(|_| self.at > at)
    }

    /// The next entry: a name, or `None` for unused room; and how long it is.
    fn entry(&self) -> Option<(Option<Name<'b>>, usize)> {
        let rest = self.bytes.get(self.at..self.end)?;
        if be16(rest, 0)? == 0xffff {
            return Some((None, usize::from(be16(rest, 2)?)));
        }
        let inode = be64(rest, 0)?;
        let len = usize::from(*rest.get(8)?);
        let after = len.checked_add(9)?;
        let bytes = rest.get(9..after)?;
        let kind = rest.get(after).filter(|_| self.has_kinds);
        // A tag of two bytes ends the entry, which is filled up to eight.
        let used = after
            .checked_add(usize::from(self.has_kinds))?
            .checked_add(2)?;
        let name = Name {
            bytes,
            inode,
            kind: kind.copied().and_then(kind_of),
        };
        Some((Some(name), used.checked_next_multiple_of(8)?))
    }
}

impl<'b> Iterator for Names<'b> {
    type Item = Result<Name<'b>, FsError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.end {
            let found = self.entry().filter(|(name, step)| {
                let is_aligned = step.checked_rem(8) == Some(0);
                let is_named = name.as_ref().is_none_or(|name| !name.bytes.is_empty());
                *step >= 8 && is_aligned && is_named
            });
            let Some((name, step)) = found else {
                self.at = self.end;
                return Some(Err(corrupt(format!(
                    "an entry of directory inode {} does not fit its block",
                    self.number
                ))));
            };
            self.at = self.at.saturating_add(step);
            if let Some(name) = name {
                return Some(Ok(name));
            }
        }
        None
    }
}
