//! Inode references: the names of an inode, and the directories that they are in.

use super::corrupt;
use super::key::kind;
use super::tree::Item;
use crate::FsError;
use crate::fields::{le16, le64};

/// One name of an inode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InodeRef<'b> {
    pub(super) directory: u64,
    pub(super) name: &'b [u8],
}

/// The names in an `INODE_REF` or `INODE_EXTREF` item: all in one directory, or with a directory
/// each.
pub(super) fn names(item: &Item) -> Result<Vec<InodeRef<'_>>, FsError> {
    let mut found = Vec::new();
    let mut rest = item.data();
    while !rest.is_empty() {
        let split = || {
            let (directory, head) = match item.key.kind {
                kind::INODE_EXTREF => (le64(rest, 0)?, 18_usize),
                _ => (item.key.offset, 10),
            };
            let len = usize::from(le16(rest, head.checked_sub(2)?)?);
            let (entry, following) = rest.split_at_checked(head.checked_add(len)?)?;
            let name = entry.get(head..)?;
            Some((InodeRef { directory, name }, following))
        };
        let (entry, following) = split().ok_or_else(|| {
            corrupt(format!(
                "the names of inode {} are cut off",
                item.key.objectid
            ))
        })?;
        found.push(entry);
        rest = following;
    }
    Ok(found)
}
