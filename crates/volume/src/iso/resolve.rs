//! From paths to files.

use super::directory::Visit;
use super::node::Node;
use super::{Iso, corrupt, name};
use crate::{FileKind, FsError};

/// Linux gives up after as many.
const MAX_LINKS: u32 = 40;
/// How much of directories one walk may read: links can be made to lead through thousands.
const MAX_SEARCHED_BYTES: u64 = 64 * 1024 * 1024;

/// What to do with a link at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastLink {
    Follow,
    Keep,
}

impl Iso {
    /// What `path` leads to. `..` goes back to where the walk came from.
    pub(super) fn resolve(&self, path: &str, last: LastLink) -> Result<Node, FsError> {
        let missing = || FsError::NotFound {
            path: path.to_owned(),
        };
        let absolute = path.strip_prefix('/').ok_or_else(missing)?;
        // What is still to be walked, the next part last.
        let mut ahead: Vec<Vec<u8>> = Vec::new();
        push_parts(&mut ahead, absolute.as_bytes());
        let mut trail: Vec<Node> = Vec::new();
        let mut links = 0_u32;
        let mut searched = 0_u64;
        while let Some(part) = ahead.pop() {
            let here = trail.last().unwrap_or(&self.root);
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
            searched = searched.saturating_add(here.len);
            if searched > MAX_SEARCHED_BYTES {
                return Err(corrupt(format!(
                    "the way to {path} leads through too many directories"
                )));
            }
            let found = self.child(here, &part)?.ok_or_else(missing)?;
            let is_last = ahead.is_empty() && last == LastLink::Keep;
            let Some(target) = found.link.as_ref().filter(|_| !is_last) else {
                trail.push(found);
                continue;
            };
            links = links.saturating_add(1);
            if links > MAX_LINKS {
                return Err(FsError::TooManyLinks {
                    path: path.to_owned(),
                });
            }
            if target.starts_with(b"/") {
                trail.clear();
            }
            push_parts(&mut ahead, target);
        }
        Ok(trail.pop().unwrap_or_else(|| self.root.clone()))
    }

    /// What `wanted` leads to in `directory`.
    fn child(&self, directory: &Node, wanted: &[u8]) -> Result<Option<Node>, FsError> {
        if let Some(node) = self.known.get(directory.block(), wanted) {
            return Ok(Some(node));
        }
        let mut found = None;
        self.each_name(directory, |own, node| {
            if !name::equal(&own, wanted, self.names) {
                return Visit::More;
            }
            found = Some(node);
            Visit::Enough
        })?;
        if let Some(node) = &found {
            self.known.put(directory.block(), wanted, node);
        }
        Ok(found)
    }
}

/// Puts the parts of `path` on the stack, so that the first comes off first.
fn push_parts(ahead: &mut Vec<Vec<u8>>, path: &[u8]) {
    let parts = path.split(|&byte| byte == b'/').rev();
    let parts = parts.filter(|part| !part.is_empty() && *part != b".");
    ahead.extend(parts.map(<[u8]>::to_vec));
}
