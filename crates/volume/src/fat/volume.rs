//! A FAT file system behind the common interface.

use std::sync::Arc;

use detente_block::{BlockRead, Window};

use super::boot::{Boot, Root};
use super::chain::walk;
use super::corrupt;
use super::directory::{Entry, Listing, parse};
use super::file::FatFile;
use super::name::equal;
use crate::fields::read_if_inside;
use crate::pages::Pages;
use crate::{DirEntry, FileKind, FileSystem, FsError, Metadata};

/// \[FAT\] 6.1: a directory has at most 65536 entries.
const MAX_DIRECTORY_BYTES: u64 = 65_536 * 32;

/// An open volume.
pub(crate) struct FatVolume {
    pub(super) pages: Pages,
    pub(super) boot: Boot,
}

/// What a path leads to.
enum Node {
    Root,
    Entry(Entry),
}

impl FatVolume {
    pub(super) fn new(window: Window, boot: Boot) -> Self {
        Self {
            pages: Pages::new(window),
            boot,
        }
    }

    /// Opens the volume for reading files.
    pub(crate) fn open(window: &Window) -> Result<Arc<Self>, FsError> {
        let sector = read_if_inside(window, 0, 512)?.unwrap_or_default();
        let boot = Boot::parse(&sector).ok_or_else(|| corrupt("the boot sector makes no sense"))?;
        if boot.total_bytes > window.len_bytes() {
            return Err(corrupt("it is longer than its volume"));
        }
        Ok(Arc::new(Self::new(window.clone(), boot)))
    }

    /// The label in the root directory.
    pub(super) fn label(&self) -> Result<Option<String>, FsError> {
        Ok(self.list(&Node::Root)?.label)
    }

    fn list(&self, node: &Node) -> Result<Listing, FsError> {
        let (offset, len) = match (node, self.boot.root) {
            (Node::Root, Root::Fixed { offset, len }) => (offset, len),
            (Node::Root, Root::Chain { cluster }) => return self.list_chain(cluster),
            (Node::Entry(entry), _) => return self.list_chain(entry.cluster),
        };
        let mut bytes = vec![0; usize::try_from(len).map_err(|_| corrupt("root too long"))?];
        self.pages.read(offset, &mut bytes)?;
        Ok(parse(&bytes))
    }

    fn list_chain(&self, first: u32) -> Result<Listing, FsError> {
        let most = MAX_DIRECTORY_BYTES
            .checked_div(self.boot.cluster_bytes)
            .unwrap_or(0);
        let most = u32::try_from(most).unwrap_or(0).saturating_add(1);
        let runs = walk(&self.pages, &self.boot, first, most)?;
        if runs.iter().map(|run| u64::from(run.count)).sum::<u64>() >= u64::from(most) {
            return Err(corrupt("a directory has more than 65536 entries"));
        }
        let mut bytes = Vec::new();
        for run in runs {
            let offset = self.boot.cluster_offset(run.cluster);
            let offset = offset.ok_or_else(|| corrupt("a chain leaves the volume"))?;
            let len = u64::from(run.count).saturating_mul(self.boot.cluster_bytes);
            let start = bytes.len();
            let end = start.saturating_add(usize::try_from(len).unwrap_or(0));
            bytes.resize(end, 0);
            self.pages
                .read(offset, bytes.get_mut(start..).unwrap_or_default())?;
        }
        Ok(parse(&bytes))
    }

    /// Walks to `path`. There are no links in FAT, so `..` is what the path says.
    fn find(&self, path: &str) -> Result<Node, FsError> {
        let missing = || FsError::NotFound {
            path: path.to_owned(),
        };
        let mut trail: Vec<Node> = Vec::new();
        for part in path.strip_prefix('/').ok_or_else(missing)?.split('/') {
            let here = trail.last().unwrap_or(&Node::Root);
            if !part.is_empty() && here.kind() != FileKind::Directory {
                return Err(FsError::WrongKind {
                    path: path.to_owned(),
                    wanted: "directory",
                });
            }
            match part {
                "" | "." => {}
                ".." => drop(trail.pop()),
                name => {
                    let entries = self.list(here)?.entries.into_iter();
                    let mut named = entries
                        .filter(|entry| equal(&entry.name, name) || equal(&entry.short, name));
                    trail.push(Node::Entry(named.next().ok_or_else(missing)?));
                }
            }
        }
        Ok(trail.pop().unwrap_or(Node::Root))
    }
}

impl Node {
    fn kind(&self) -> FileKind {
        match self {
            Self::Root => FileKind::Directory,
            Self::Entry(entry) => entry.kind,
        }
    }
}

/// FAT behind [`FileSystem`].
pub(crate) struct FatFileSystem(pub(crate) Arc<FatVolume>);

impl FileSystem for FatFileSystem {
    fn metadata(&self, path: &str) -> Result<Metadata, FsError> {
        let node = self.0.find(path)?;
        let kind = node.kind();
        // FAT has no permissions: these are what Linux shows with its default mask.
        let Node::Entry(entry) = node else {
            return Ok(Metadata {
                kind,
                len: 0,
                mode: 0o755,
                modified_s: 0,
            });
        };
        let mode = if entry.is_read_only { 0o555 } else { 0o755 };
        Ok(Metadata {
            kind,
            len: u64::from(entry.len),
            mode,
            modified_s: entry.modified_s,
        })
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
        let node = self.0.find(path)?;
        if node.kind() != FileKind::Directory {
            return Err(FsError::WrongKind {
                path: path.to_owned(),
                wanted: "directory",
            });
        }
        let entries = self.0.list(&node)?.entries.into_iter();
        Ok(entries
            .map(|entry| DirEntry {
                name: entry.name,
                kind: entry.kind,
            })
            .collect())
    }

    fn read_link(&self, path: &str) -> Result<String, FsError> {
        self.0.find(path)?;
        Err(FsError::WrongKind {
            path: path.to_owned(),
            wanted: "symbolic link",
        })
    }

    fn open(&self, path: &str) -> Result<Arc<dyn BlockRead>, FsError> {
        let Node::Entry(entry) = self.0.find(path)? else {
            return Err(FsError::WrongKind {
                path: path.to_owned(),
                wanted: "file",
            });
        };
        if entry.kind != FileKind::File {
            return Err(FsError::WrongKind {
                path: path.to_owned(),
                wanted: "file",
            });
        }
        let len = u64::from(entry.len);
        let clusters = len.div_ceil(self.0.boot.cluster_bytes);
        let clusters = u32::try_from(clusters).map_err(|_| corrupt("a file is too long"))?;
        if clusters > self.0.boot.clusters {
            return Err(corrupt(format!("{path} is longer than the volume")));
        }
        let runs = walk(&self.0.pages, &self.0.boot, entry.cluster, clusters)?;
        if runs.iter().map(|run| u64::from(run.count)).sum::<u64>() < u64::from(clusters) {
            return Err(corrupt(format!(
                "the chain of {path} is shorter than its length"
            )));
        }
        Ok(Arc::new(FatFile {
            volume: self.0.clone(),
            runs,
            len,
        }))
    }
}
