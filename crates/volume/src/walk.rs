//! From paths to what they lead to: one walk for all file systems that have links.

use std::sync::Arc;

use detente_block::BlockRead;

use crate::{DirEntry, FileKind, FileSystem, FsError, Metadata};

/// Linux gives up after as many.
const MAX_LINKS: u32 = 40;
/// How much of directories one walk may read: links can be made to lead through thousands.
const MAX_SEARCHED_BYTES: u64 = 128 * 1024 * 1024;

/// A file system in which directories lead from names to nodes.
pub(crate) trait Walk: Send + Sync {
    /// What a name leads to.
    type Node: Clone;
    /// The format, as errors name it.
    const FORMAT: &'static str;

    /// Where paths begin.
    fn root(&self) -> Result<Self::Node, FsError>;
    /// What a node is.
    fn kind(node: &Self::Node) -> FileKind;
    /// What is known of a node.
    fn metadata(node: &Self::Node) -> Metadata;
    /// What it may take to find a name in a directory.
    fn search_bytes(directory: &Self::Node) -> u64;
    /// What a name leads to, links not followed.
    fn child(&self, directory: &Self::Node, name: &[u8]) -> Result<Option<Self::Node>, FsError>;
    /// The names in a directory, without `.` and `..`.
    fn entries(&self, directory: &Self::Node) -> Result<Vec<DirEntry>, FsError>;
    /// Where a link leads.
    fn link_target(&self, link: &Self::Node) -> Result<Vec<u8>, FsError>;
    /// The bytes of a file.
    fn open(self: Arc<Self>, path: &str, file: Self::Node) -> Result<Arc<dyn BlockRead>, FsError>;
}

/// What to do with a link at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastLink {
    Follow,
    Keep,
}

/// A [`Walk`] behind the common interface.
pub(crate) struct Walked<W>(pub(crate) Arc<W>);

impl<W: Walk> Walked<W> {
    /// What `path` leads to. `..` goes back to where the walk came from.
    fn resolve(&self, path: &str, last: LastLink) -> Result<W::Node, FsError> {
        let missing = || FsError::NotFound {
            path: path.to_owned(),
        };
        let absolute = path.strip_prefix('/').ok_or_else(missing)?;
        // What is still to be walked, the next part last.
        let mut ahead: Vec<Vec<u8>> = Vec::new();
        push_parts(&mut ahead, absolute.as_bytes());
        let root = self.0.root()?;
        let mut trail: Vec<W::Node> = Vec::new();
        let mut links = 0_u32;
        let mut searched = 0_u64;
        while let Some(part) = ahead.pop() {
            let here = trail.last().unwrap_or(&root);
            require::<W>(here, path, FileKind::Directory)?;
            if part == b".." {
                trail.pop();
                continue;
            }
            searched = searched.saturating_add(W::search_bytes(here));
            if searched > MAX_SEARCHED_BYTES {
                return Err(FsError::Corrupt {
                    kind: W::FORMAT,
                    rule: format!("the way to {path} leads through too many directories"),
                });
            }
            let found = self.0.child(here, &part)?.ok_or_else(missing)?;
            let is_last = ahead.is_empty() && last == LastLink::Keep;
            if W::kind(&found) != FileKind::Symlink || is_last {
                trail.push(found);
                continue;
            }
            links = links.saturating_add(1);
            if links > MAX_LINKS {
                return Err(FsError::TooManyLinks {
                    path: path.to_owned(),
                });
            }
            let target = self.0.link_target(&found)?;
            if target.starts_with(b"/") {
                trail.clear();
            }
            push_parts(&mut ahead, &target);
        }
        Ok(trail.pop().unwrap_or(root))
    }

    /// What `path` leads to, if it is of the kind that is wanted.
    fn expect(&self, path: &str, last: LastLink, wanted: FileKind) -> Result<W::Node, FsError> {
        let found = self.resolve(path, last)?;
        require::<W>(&found, path, wanted)?;
        Ok(found)
    }
}

impl<W: Walk> FileSystem for Walked<W> {
    fn metadata(&self, path: &str) -> Result<Metadata, FsError> {
        Ok(W::metadata(&self.resolve(path, LastLink::Follow)?))
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
        let directory = self.expect(path, LastLink::Follow, FileKind::Directory)?;
        self.0.entries(&directory)
    }

    fn read_link(&self, path: &str) -> Result<String, FsError> {
        let link = self.expect(path, LastLink::Keep, FileKind::Symlink)?;
        Ok(String::from_utf8_lossy(&self.0.link_target(&link)?).into_owned())
    }

    fn open(&self, path: &str) -> Result<Arc<dyn BlockRead>, FsError> {
        let file = self.expect(path, LastLink::Follow, FileKind::File)?;
        self.0.clone().open(path, file)
    }
}

fn require<W: Walk>(node: &W::Node, path: &str, kind: FileKind) -> Result<(), FsError> {
    let wanted = match kind {
        found if found == W::kind(node) => return Ok(()),
        FileKind::Directory => "directory",
        FileKind::File => "file",
        FileKind::Symlink => "symbolic link",
        FileKind::Special => "device, socket or pipe",
    };
    Err(FsError::WrongKind {
        path: path.to_owned(),
        wanted,
    })
}

/// Puts the parts of `path` on the stack, so that the first comes off first.
fn push_parts(ahead: &mut Vec<Vec<u8>>, path: &[u8]) {
    let parts = path.split(|&byte| byte == b'/').rev();
    let parts = parts.filter(|part| !part.is_empty() && *part != b".");
    ahead.extend(parts.map(<[u8]>::to_vec));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree in memory: each node is its own path.
    struct Paths;

    const LINKS: &[(&str, &str)] = &[
        ("/a/up", "../b"),
        ("/a/top", "/b/file"),
        ("/a/round", "round"),
    ];

    impl Walk for Paths {
        type Node = String;
        const FORMAT: &'static str = "test";

        fn root(&self) -> Result<String, FsError> {
            Ok(String::new())
        }

        fn kind(node: &String) -> FileKind {
            match node.as_str() {
                "" | "/a" | "/b" | "/b/sub" => FileKind::Directory,
                own if LINKS.iter().any(|(link, _)| *link == own) => FileKind::Symlink,
                _ => FileKind::File,
            }
        }

        fn metadata(node: &String) -> Metadata {
            Metadata {
                kind: Self::kind(node),
                len: node.len() as u64,
                mode: 0,
                modified_s: 0,
            }
        }

        fn search_bytes(directory: &String) -> u64 {
            if directory == "/b" { 8 << 20 } else { 1 }
        }

        fn child(&self, directory: &String, name: &[u8]) -> Result<Option<String>, FsError> {
            let path = format!("{directory}/{}", String::from_utf8_lossy(name));
            let is_there = matches!(path.as_str(), "/a" | "/b" | "/b/file" | "/b/sub");
            let is_link = LINKS.iter().any(|(link, _)| *link == path);
            Ok((is_there || is_link).then_some(path))
        }

        fn entries(&self, _: &String) -> Result<Vec<DirEntry>, FsError> {
            Ok(Vec::new())
        }

        fn link_target(&self, link: &String) -> Result<Vec<u8>, FsError> {
            let found = LINKS.iter().find(|(own, _)| own == link).unwrap();
            Ok(found.1.as_bytes().to_vec())
        }

        fn open(self: Arc<Self>, path: &str, _: String) -> Result<Arc<dyn BlockRead>, FsError> {
            Err(FsError::NotFound {
                path: path.to_owned(),
            })
        }
    }

    fn resolve(path: &str) -> Result<String, String> {
        let found = Walked(Arc::new(Paths)).resolve(path, LastLink::Follow);
        found.map_err(|error| error.to_string())
    }

    #[test]
    fn links_are_followed_and_dots_go_back() {
        let check = |path: &str, expect: &str| assert_eq!(resolve(path).unwrap(), expect, "{path}");
        check("/", "");
        check("//a/./", "/a");
        check("/a/up", "/b");
        check("/a/up/file", "/b/file");
        check("/a/top", "/b/file");
        check("/a/../../b/file", "/b/file");
    }

    #[test]
    fn what_leads_nowhere_is_refused() {
        let check = |path: &str, expect: &str| {
            assert_eq!(resolve(path).unwrap_err(), expect, "{path}");
        };
        check("a", "a: no such file");
        check("/a/none", "/a/none: no such file");
        check("/b/file/x", "/b/file/x: is not a directory");
        check("/a/round", "/a/round: too many symbolic links");
    }

    #[test]
    fn a_walk_through_too_much_is_cut() {
        // Fifteen searches of 8 MiB and one of a byte are less than the limit.
        let path = |times| format!("/b/{}", "sub/../".repeat(times));
        assert_eq!(resolve(&path(15)).unwrap(), "/b");
        let error = resolve(&path(16)).unwrap_err();
        assert!(
            error.contains("leads through too many directories"),
            "{error}"
        );
    }

    #[test]
    fn a_link_is_kept_where_it_is_wanted() {
        let files = Walked(Arc::new(Paths));
        assert_eq!(files.read_link("/a/up").unwrap(), "../b");
        assert!(files.read_link("/a").is_err());
        assert_eq!(files.metadata("/a/up").unwrap().kind, FileKind::Directory);
    }
}
