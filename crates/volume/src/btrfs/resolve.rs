//! From paths to inodes.

use super::inode_item::Inode;
use super::root_item::FileTree;
use super::{Core, corrupt};
use crate::{FileKind, FsError};

/// Linux gives up after as many.
const MAX_LINKS: u32 = 40;
/// How many names one walk may look up: links can be made to lead through very many.
const MAX_STEPS: u32 = 16_384;
/// `PATH_MAX`: no link's target is longer.
const MAX_TARGET_BYTES: u64 = 4096;

/// What to do with a link at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastLink {
    Follow,
    Keep,
}

impl Core {
    /// The inode that `path` leads to from the root of `tree`. `..` goes back to where the walk
    /// came from.
    pub(super) fn resolve(
        &self,
        tree: FileTree,
        path: &str,
        last: LastLink,
    ) -> Result<Inode, FsError> {
        let missing = || FsError::NotFound {
            path: path.to_owned(),
        };
        let absolute = path.strip_prefix('/').ok_or_else(missing)?;
        // What is still to be walked, the next part last.
        let mut ahead: Vec<Vec<u8>> = Vec::new();
        push_parts(&mut ahead, absolute.as_bytes());
        let root = self.inode(tree, tree.root_dir)?;
        let mut trail: Vec<Inode> = Vec::new();
        let mut links = 0_u32;
        let mut steps = 0_u32;
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
            steps = steps.saturating_add(1);
            if steps > MAX_STEPS {
                return Err(corrupt(format!("the way to {path} is too long")));
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

    /// Where a link leads: what would be the content of a file.
    pub(super) fn link_target(&self, link: &Inode) -> Result<Vec<u8>, FsError> {
        if link.len > MAX_TARGET_BYTES {
            return Err(corrupt(format!("link inode {} is too long", link.number)));
        }
        let mut target = vec![0; usize::try_from(link.len).unwrap_or(0)];
        self.read_data(link, 0, &mut target)?;
        Ok(target)
    }
}

/// Puts the parts of `path` on the stack, so that the first comes off first.
fn push_parts(ahead: &mut Vec<Vec<u8>>, path: &[u8]) {
    let parts = path.split(|&byte| byte == b'/').rev();
    let parts = parts.filter(|part| !part.is_empty() && *part != b".");
    ahead.extend(parts.map(<[u8]>::to_vec));
}
