//! Directory items: a name, and what it leads to. Each name has one under its hash, to be found by,
//! and one under a number that goes up, to be listed by.

use super::corrupt;
use super::key::{Key, kind};
use super::tree::Item;
use crate::fields::le16;
use crate::{FileKind, FsError};

/// How long an entry is without its name and data.
const HEAD_BYTES: usize = 30;

/// One name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry<'b> {
    pub(super) name: &'b [u8],
    pub(super) target: Target,
    /// `None` where the entry does not say.
    pub(super) kind: Option<FileKind>,
}

/// What a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// An inode of the same subvolume.
    Inode(u64),
    /// The root directory of another.
    Subvolume(u64),
}

/// The names in an item: usually one, more where they have the same hash.
pub(super) fn entries(item: &Item) -> Result<Vec<Entry<'_>>, FsError> {
    let mut found = Vec::new();
    let mut rest = item.data();
    while !rest.is_empty() {
        let directory = item.key.objectid;
        let bad = || {
            corrupt(format!(
                "an entry of directory inode {directory} is cut off"
            ))
        };
        let (entry, following) = Raw::split(rest).ok_or_else(bad)?;
        rest = following;
        if !is_possible(entry.name) {
            return Err(corrupt(format!(
                "a name in directory inode {directory} is none"
            )));
        }
        let (target, kind) = match entry.location.kind {
            kind::INODE_ITEM => (
                Target::Inode(entry.location.objectid),
                file_kind(entry.kind),
            ),
            kind::ROOT_ITEM => {
                let target = Target::Subvolume(entry.location.objectid);
                (target, Some(FileKind::Directory))
            }
            other => {
                return Err(corrupt(format!(
                    "an entry of directory inode {directory} leads to an item of kind {other}"
                )));
            }
        };
        found.push(Entry {
            name: entry.name,
            target,
            kind,
        });
    }
    Ok(found)
}

/// Whether a name could be used: it must not lead elsewhere.
fn is_possible(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.iter().any(|byte| matches!(byte, b'/' | 0))
}

/// An entry as it stands.
struct Raw<'b> {
    location: Key,
    name: &'b [u8],
    kind: u8,
}

impl<'b> Raw<'b> {
    /// The first entry, and what follows it.
    fn split(bytes: &'b [u8]) -> Option<(Self, &'b [u8])> {
        let data = usize::from(le16(bytes, 25)?);
        let name = usize::from(le16(bytes, 27)?);
        let name_end = HEAD_BYTES.checked_add(name)?;
        let (entry, rest) = bytes.split_at_checked(name_end.checked_add(data)?)?;
        let raw = Self {
            location: Key::parse(bytes, 0)?,
            name: entry.get(HEAD_BYTES..name_end)?,
            kind: *bytes.get(29)?,
        };
        Some((raw, rest))
    }
}

/// \[btrfs\] `BTRFS_FT_*`.
fn file_kind(number: u8) -> Option<FileKind> {
    match number {
        1 => Some(FileKind::File),
        2 => Some(FileKind::Directory),
        3..=6 => Some(FileKind::Special),
        7 => Some(FileKind::Symlink),
        _ => None,
    }
}
