//! Compares a tree with a listing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};
use std::sync::atomic::AtomicBool;

use detente_guest::prepare::Whose;
use detente_volume::{FileKind, FileSystem};

use super::line::Line;
use super::{HEADER, walk};
use crate::prepare::outcome::{Difference, Differences, How};

/// So many differences are named; the others are counted.
const NAMED: usize = 2_000;

/// A line of the listing has a path and a target at most.
const MAX_LINE_BYTES: u64 = 64 << 10;

/// Where `tree` differs from the listing `from`, and whose doing that is.
///
/// # Errors
/// When the listing cannot be read, or is none.
pub(crate) fn compare(
    from: &mut dyn BufRead,
    tree: &dyn FileSystem,
    hurry: &AtomicBool,
    whose: &dyn Fn(&str) -> Whose,
) -> io::Result<Differences> {
    let mut listed = read(from)?;
    let mut found = Vec::new();
    let mut differences = Differences::default();
    walk(tree, hurry, &mut |line| {
        match listed.remove(&line.path) {
            None => found.push((line.path, How::Added)),
            Some(old) => {
                differences.compared += 1;
                differences.by_bytes += u64::from(old.sha256.is_some() && line.sha256.is_some());
                found.extend(difference(&old, &line).map(|how| (line.path, how)));
            }
        }
        true
    });
    found.extend(listed.into_keys().map(|path| (path, How::Removed)));
    found.sort();
    differences.count = found.len() as u64;
    let named = found.into_iter().take(NAMED);
    differences.files = named
        .map(|(path, how)| Difference {
            whose: whose(&path),
            path,
            how,
        })
        .collect();
    Ok(differences)
}

/// The folders of a listing.
///
/// # Errors
/// When it cannot be read, or is none.
pub(crate) fn folders(from: &mut dyn BufRead) -> io::Result<BTreeSet<String>> {
    let listed = read(from)?.into_iter();
    let folders = listed.filter(|(_, line)| line.kind == FileKind::Directory);
    Ok(folders.map(|(path, _)| path).collect())
}

fn read(from: &mut dyn BufRead) -> io::Result<BTreeMap<String, Line>> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "no listing of a tree");
    let mut listed = BTreeMap::new();
    let mut is_first = true;
    loop {
        let mut line = String::new();
        let read = io::Read::take(&mut *from, MAX_LINE_BYTES).read_line(&mut line)?;
        if read == 0 {
            return if is_first { Err(invalid()) } else { Ok(listed) };
        }
        let line = line.strip_suffix('\n').ok_or_else(invalid)?;
        if std::mem::take(&mut is_first) {
            if line != HEADER {
                return Err(invalid());
            }
            continue;
        }
        let line = Line::parse(line).ok_or_else(invalid)?;
        listed.insert(line.path.clone(), line);
    }
}

/// How a file differs, if it does. Of a folder, only its permissions count.
fn difference(old: &Line, new: &Line) -> Option<How> {
    if old.kind != new.kind {
        return Some(How::Kind);
    }
    if old.target != new.target {
        return Some(How::Content);
    }
    if old.kind == FileKind::File {
        match (&old.sha256, &new.sha256) {
            (Some(old), Some(new)) if old != new => return Some(How::Content),
            (Some(_), Some(_)) => {}
            (None, _) | (_, None) => {
                if (old.len, old.modified_s) != (new.len, new.modified_s) {
                    return Some(How::Touched);
                }
            }
        }
    }
    (old.mode != new.mode).then_some(How::Mode)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use detente_block::{BlockRead, MemoryBackend};
    use detente_volume::{DirEntry, FsError, Metadata};

    use super::super::list;
    use super::*;

    /// Paths, with their bytes; `None` is a folder.
    #[derive(Clone)]
    struct Tree(BTreeMap<String, (Option<Vec<u8>>, u16, i64)>);

    impl Tree {
        fn entry(&self, path: &str) -> Result<&(Option<Vec<u8>>, u16, i64), FsError> {
            let path = path.to_owned();
            self.0.get(&path).ok_or(FsError::NotFound { path })
        }
    }

    impl FileSystem for Tree {
        fn metadata(&self, path: &str) -> Result<Metadata, FsError> {
            let (bytes, mode, modified_s) = self.entry(path)?;
            Ok(Metadata {
                kind: match bytes {
                    Some(_) => FileKind::File,
                    None => FileKind::Directory,
                },
                len: bytes.as_ref().map_or(0, Vec::len) as u64,
                mode: *mode,
                modified_s: *modified_s,
            })
        }

        fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
            let prefix = format!("{}/", path.trim_end_matches('/'));
            let below = self.0.iter().filter_map(|(path, (bytes, ..))| {
                let name = path.strip_prefix(&prefix)?;
                let kind = match bytes {
                    Some(_) => FileKind::File,
                    None => FileKind::Directory,
                };
                let name = name.to_owned();
                (!name.contains('/')).then_some(DirEntry { name, kind })
            });
            Ok(below.collect())
        }

        fn read_link(&self, path: &str) -> Result<String, FsError> {
            let path = path.to_owned();
            Err(FsError::NotFound { path })
        }

        fn open(&self, path: &str) -> Result<Arc<dyn BlockRead>, FsError> {
            let bytes = self.entry(path)?.0.clone().unwrap_or_default();
            Ok(Arc::new(MemoryBackend::new(bytes)))
        }
    }

    fn tree() -> Tree {
        let mut tree = Tree(BTreeMap::new());
        for folder in ["/etc", "/etc/a", "/var"] {
            tree.0.insert(folder.to_owned(), (None, 0o755, 0));
        }
        for file in ["/etc/fstab", "/etc/a/b", "/var/log", "/etc-x"] {
            let bytes = file.as_bytes().to_vec();
            tree.0.insert(file.to_owned(), (Some(bytes), 0o644, 1));
        }
        tree
    }

    #[track_caller]
    fn check(hurry: bool, spoil: impl FnOnce(&mut Tree), expect: &[(&str, How)]) {
        let mut listing = Vec::new();
        let hurry = AtomicBool::new(hurry);
        assert_eq!(list(&tree(), &mut listing, &hurry).unwrap(), 7);
        let known = ["/etc", "/etc/a", "/var"].map(str::to_owned);
        assert_eq!(folders(&mut &*listing).unwrap(), known.into());
        let mut other = tree();
        spoil(&mut other);
        let found = compare(&mut &*listing, &other, &hurry, &|_| Whose::Other).unwrap();
        let named = found.files.iter();
        let named: Vec<_> = named.map(|one| (one.path.as_str(), one.how)).collect();
        assert_eq!(named, expect);
        assert_eq!(found.count, expect.len() as u64);
    }

    fn file<'t>(tree: &'t mut Tree, path: &str) -> &'t mut (Option<Vec<u8>>, u16, i64) {
        tree.0.get_mut(path).unwrap()
    }

    #[test]
    fn every_difference_is_named() {
        check(false, |_| {}, &[]);
        let longer = |tree: &mut Tree| file(tree, "/etc/a/b").0 = Some(vec![1; 9]);
        check(false, longer, &[("/etc/a/b", How::Content)]);
        let time = |tree: &mut Tree| file(tree, "/etc/a/b").2 = 9;
        check(false, time, &[]);
        check(true, time, &[("/etc/a/b", How::Touched)]);
        let mode = |tree: &mut Tree| file(tree, "/var").1 = 0o700;
        check(false, mode, &[("/var", How::Mode)]);
        let swapped = |tree: &mut Tree| {
            tree.0.remove("/var/log");
            tree.0.insert("/new".to_owned(), (Some(Vec::new()), 0, 0));
            file(tree, "/etc-x").0 = None;
        };
        let expect = [
            ("/etc-x", How::Kind),
            ("/new", How::Added),
            ("/var/log", How::Removed),
        ];
        check(false, swapped, &expect);
    }

    #[test]
    fn what_is_no_listing_is_refused() {
        let hurry = AtomicBool::new(false);
        for wrong in [
            "",
            "else\n",
            "detente/prepare-tree/1\nx\n",
            "detente/prepare-tree/1\nf\t",
        ] {
            assert!(
                compare(&mut wrong.as_bytes(), &tree(), &hurry, &|_| Whose::Other).is_err(),
                "{wrong}"
            );
        }
    }
}
