//! A file system in memory: files, folders that follow from them, and symbolic links.

use std::collections::BTreeMap;
use std::sync::Arc;

use detente_block::{BlockRead, MemoryBackend};
use detente_volume::{DirEntry, FileKind, FileSystem, FsError, Metadata};

use crate::files::Files;

/// As [`FileSystem`] promises.
const MAX_LINKS: usize = 40;

enum Item {
    File(Vec<u8>),
    Link(String),
    Folder,
}

/// A tree of files by absolute path.
#[derive(Default)]
pub(crate) struct Memory(BTreeMap<String, Item>);

impl Memory {
    pub(crate) fn new() -> Self {
        let mut items = BTreeMap::new();
        items.insert("/".to_owned(), Item::Folder);
        Self(items)
    }

    /// Adds a file, and the folders above it.
    pub(crate) fn file(self, path: &str, content: &str) -> Self {
        self.bytes(path, content.as_bytes())
    }

    /// Adds a file of any bytes.
    pub(crate) fn bytes(self, path: &str, content: &[u8]) -> Self {
        self.with(path, Item::File(content.to_vec()))
    }

    /// Adds a symbolic link.
    pub(crate) fn link(self, path: &str, target: &str) -> Self {
        self.with(path, Item::Link(target.to_owned()))
    }

    /// What gatherers take.
    pub(crate) fn files(&self) -> Files<'_> {
        Files::new(self)
    }

    fn with(mut self, path: &str, item: Item) -> Self {
        for (end, _) in path.match_indices('/').skip(1) {
            let folder = path[..end].to_owned();
            self.0.entry(folder).or_insert(Item::Folder);
        }
        self.0.insert(path.to_owned(), item);
        self
    }

    /// The path without links; the last part is followed if `follow`.
    fn resolve(&self, path: &str, follow: bool) -> Result<String, FsError> {
        let mut left: Vec<String> = parts(path).rev().map(str::to_owned).collect();
        let (mut at, mut links) = (String::new(), 0);
        while let Some(part) = left.pop() {
            if part == ".." {
                at.truncate(at.rfind('/').unwrap_or(0));
                continue;
            }
            let next = format!("{at}/{part}");
            match self.0.get(&next) {
                None => return Err(missing(path)),
                Some(Item::Link(target)) if follow || !left.is_empty() => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(FsError::TooManyLinks {
                            path: path.to_owned(),
                        });
                    }
                    if target.starts_with('/') {
                        at.clear();
                    }
                    left.extend(parts(target).rev().map(str::to_owned));
                }
                Some(_) => at = next,
            }
        }
        Ok(if at.is_empty() { "/".to_owned() } else { at })
    }
}

fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/')
        .filter(|part| !part.is_empty() && *part != ".")
}

fn missing(path: &str) -> FsError {
    FsError::NotFound {
        path: path.to_owned(),
    }
}

fn wrong(path: &str, wanted: &'static str) -> FsError {
    FsError::WrongKind {
        path: path.to_owned(),
        wanted,
    }
}

fn kind(item: &Item) -> FileKind {
    match item {
        Item::File(_) => FileKind::File,
        Item::Link(_) => FileKind::Symlink,
        Item::Folder => FileKind::Directory,
    }
}

impl FileSystem for Memory {
    fn metadata(&self, path: &str) -> Result<Metadata, FsError> {
        let item = self.0.get(&self.resolve(path, true)?);
        let item = item.ok_or_else(|| missing(path))?;
        let len = match item {
            Item::File(bytes) => bytes.len(),
            Item::Link(_) | Item::Folder => 0,
        };
        Ok(Metadata {
            kind: kind(item),
            len: u64::try_from(len).unwrap(),
            mode: 0o644,
            modified_s: 0,
        })
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
        let own = self.resolve(path, true)?;
        if !matches!(self.0.get(&own), Some(Item::Folder)) {
            return Err(wrong(path, "directory"));
        }
        let folder = format!("{}/", own.trim_end_matches('/'));
        let entry = |(own, item): (&String, &Item)| {
            let name = own.strip_prefix(&folder)?;
            (!name.is_empty() && !name.contains('/')).then(|| DirEntry {
                name: name.to_owned(),
                kind: kind(item),
            })
        };
        Ok(self.0.iter().filter_map(entry).collect())
    }

    fn read_link(&self, path: &str) -> Result<String, FsError> {
        match self.0.get(&self.resolve(path, false)?) {
            Some(Item::Link(target)) => Ok(target.clone()),
            Some(_) => Err(wrong(path, "symbolic link")),
            None => Err(missing(path)),
        }
    }

    fn open(&self, path: &str) -> Result<Arc<dyn BlockRead>, FsError> {
        match self.0.get(&self.resolve(path, true)?) {
            Some(Item::File(bytes)) => Ok(Arc::new(MemoryBackend::new(bytes.clone()))),
            Some(_) => Err(wrong(path, "file")),
            None => Err(missing(path)),
        }
    }
}

#[test]
fn links_are_followed_and_folders_follow_from_files() {
    let fs = Memory::new()
        .file("/usr/lib/a", "1")
        .link("/lib", "usr/lib")
        .link("/usr/lib/b", "../../lib/a")
        .link("/x", "/x");
    assert_eq!(fs.read("/lib/b", 9).unwrap(), b"1");
    assert_eq!(fs.read_link("/lib/b").unwrap(), "../../lib/a");
    assert_eq!(fs.read_dir("/lib").unwrap().len(), 2);
    assert_eq!(fs.read_dir("/").unwrap().len(), 3);
    assert!(matches!(
        fs.metadata("/x"),
        Err(FsError::TooManyLinks { .. })
    ));
    assert!(matches!(
        fs.metadata("/lib/c"),
        Err(FsError::NotFound { .. })
    ));
}
