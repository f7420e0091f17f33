//! From paths to inodes.

use super::inode::Inode;
use super::{Xfs, corrupt};
use crate::{FileKind, FsError};

/// Linux gives up after as many.
const MAX_LINKS: u32 = 40;
/// How much of directories one walk may read: links can be made to lead through thousands.
const MAX_SEARCHED_BYTES: u64 = 128 * 1024 * 1024;
/// What a search of one directory may cost: long ones have an index.
const MAX_SEARCH_BYTES: u64 = 2 * 1024 * 1024;

/// What to do with a link at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastLink {
    Follow,
    Keep,
}

impl Xfs {
    /// The inode that `path` leads to. `..` goes back to where the walk came from.
    pub(super) fn resolve(&self, path: &str, last: LastLink) -> Result<Inode, FsError> {
        let missing = || FsError::NotFound {
            path: path.to_owned(),
        };
        let absolute = path.strip_prefix('/').ok_or_else(missing)?;
        // What is still to be walked, the next part last.
        let mut ahead: Vec<Vec<u8>> = Vec::new();
        push_parts(&mut ahead, absolute.as_bytes());
        let root = self.inode(self.superblock.root)?;
        let mut trail: Vec<Inode> = Vec::new();
        let mut links = 0_u32;
        let mut searched = 0_u64;
        while let Some(part) = ahead.pop() {
            let here = trail.last().unwrap_or(&root);
            if here.kind() != FileKind::Directory {
                return Err(FsError::WrongKind {
                    path: path.to_owned(),
                    wanted: "directory",
                });
            }
            if part == b".." {
                trail.pop();
                continue;
            }
            searched = searched.saturating_add(here.len.min(MAX_SEARCH_BYTES));
            if searched > MAX_SEARCHED_BYTES {
                return Err(corrupt(format!(
                    "the way to {path} leads through too many directories"
                )));
            }
            let found = self.child(here, &part)?.ok_or_else(missing)?;
            let is_last = ahead.is_empty() && last == LastLink::Keep;
            if found.kind() != FileKind::Symlink || is_last {
                trail.push(found);
                continue;
            }
            links = links.saturating_add(1);
            if links > MAX_LINKS {
                return Err(FsError::TooManyLinks {
                    path: path.to_owned(),
                });
            }
            let target = self.link_target(&found)?;
            if target.starts_with(b"/") {
                trail.clear();
            }
            push_parts(&mut ahead, &target);
        }
        Ok(trail.pop().unwrap_or(root))
    }

    /// What `name` leads to in `directory`.
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
}

/// Puts the parts of `path` on the stack, so that the first comes off first.
fn push_parts(ahead: &mut Vec<Vec<u8>>, path: &[u8]) {
    let parts = path.split(|&byte| byte == b'/').rev();
    let parts = parts.filter(|part| !part.is_empty() && *part != b".");
    ahead.extend(parts.map(<[u8]>::to_vec));
}
