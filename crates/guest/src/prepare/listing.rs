//! A listing of a whole tree: what `undo` compares, file by file, with bounded memory.
//!
//! One line for each name, in the order of a walk that takes names in the order of their bytes:
//!
//! ```text
//! detente/tree-listing/1
//! d 755 - /etc
//! f 644 1183 9f86d0…  /etc/fstab
//! l - ../usr/lib/os-release /etc/os-release
//! ```
//!
//! Kind (`f` file, `d` folder, `l` link, `s` special, `?` a name that could not be read), permission
//! bits, length and SHA-256 or target, path. `%`, blanks and what is not printable stand as `%XX`.

use std::cmp::Ordering;
use std::io::{self, BufRead, Write};

use detente_volume::{DirEntry, FileKind, FileSystem, FsError};

use super::digest::sha256_of;
use crate::files::absent;

/// The first line of a listing.
pub const LISTING_SCHEMA: &str = "detente/tree-listing/1";
/// \[path_resolution(7)\] `PATH_MAX`: nothing below a longer path is listed.
const MAX_PATH_BYTES: usize = 4096;
/// Deeper than any tree.
const MAX_DEPTH: usize = 256;
/// A longer line is no line of a listing.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// Why a tree could not be listed, or a listing not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListingError {
    /// The guest's file system could not be read.
    #[error("the guest's tree could not be read")]
    Read(#[from] FsError),
    /// The listing could not be written or read.
    #[error("the listing could not be written or read")]
    Io(#[from] io::Error),
    /// It is no listing.
    #[error("line {line} is no line of a listing ({LISTING_SCHEMA})")]
    NoListing {
        /// The line, from 1.
        line: u64,
    },
}

/// A line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The path.
    pub path: String,
    /// What stands there.
    pub what: ListedKind,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListedKind {
    /// A file.
    File {
        /// Its permission bits.
        mode: u32,
        /// How many bytes it has.
        len_bytes: u64,
        /// Their SHA-256.
        sha256: String,
    },
    /// A folder.
    Folder {
        /// Its permission bits.
        mode: u32,
    },
    /// A symbolic link.
    Link {
        /// Its target.
        target: String,
    },
    /// A device, a socket, a pipe.
    Special,
    /// Something whose name could not be read.
    Unread,
}

/// Lists a whole tree. At most one folder of each level is held in memory. Says how many names it
/// has.
///
/// # Errors
/// [`ListingError::Read`] and [`ListingError::Io`].
pub fn list(tree: &dyn FileSystem, out: &mut dyn Write) -> Result<u64, ListingError> {
    writeln!(out, "{LISTING_SCHEMA}")?;
    let mut count = 0_u64;
    let mut open: Vec<(String, std::vec::IntoIter<DirEntry>)> = vec![entries(tree, "")?];
    while let Some((folder, rest)) = open.last_mut() {
        let Some(entry) = rest.next() else {
            open.pop();
            continue;
        };
        let path = format!("{folder}/{}", entry.name);
        let what = kind(tree, &path, entry.kind)?;
        count = count.saturating_add(1);
        let into = matches!(what, ListedKind::Folder { .. });
        write_line(
            out,
            &Listed {
                path: path.clone(),
                what,
            },
        )?;
        if into && path.len() <= MAX_PATH_BYTES && open.len() < MAX_DEPTH {
            open.push(entries(tree, &path)?);
        }
    }
    Ok(count)
}

fn entries(
    tree: &dyn FileSystem,
    folder: &str,
) -> Result<(String, std::vec::IntoIter<DirEntry>), FsError> {
    let path = if folder.is_empty() { "/" } else { folder };
    let mut all = absent(tree.read_dir(path))?.unwrap_or_default();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    // A damaged folder may have a name twice.
    all.dedup_by(|one, other| one.name == other.name);
    all.retain(|own| !matches!(own.name.as_str(), "" | "." | "..") && !own.name.contains('/'));
    Ok((folder.to_owned(), all.into_iter()))
}

fn kind(tree: &dyn FileSystem, path: &str, kind: FileKind) -> Result<ListedKind, FsError> {
    if kind == FileKind::Symlink {
        let target = absent(tree.read_link(path))?;
        return Ok(target.map_or(ListedKind::Unread, |target| ListedKind::Link { target }));
    }
    let Some(found) = absent(tree.metadata(path))? else {
        return Ok(ListedKind::Unread);
    };
    let mode = u32::from(found.mode);
    Ok(match found.kind {
        FileKind::Directory => ListedKind::Folder { mode },
        FileKind::File => match absent(tree.open(path))? {
            Some(file) => ListedKind::File {
                mode,
                len_bytes: file.len_bytes(),
                sha256: sha256_of(&*file)?,
            },
            None => ListedKind::Unread,
        },
        FileKind::Special => ListedKind::Special,
        FileKind::Symlink => ListedKind::Unread,
    })
}

fn write_line(out: &mut dyn Write, own: &Listed) -> io::Result<()> {
    let path = escaped(&own.path);
    match &own.what {
        ListedKind::File {
            mode,
            len_bytes,
            sha256,
        } => {
            writeln!(out, "f {mode:o} {len_bytes} {sha256} {path}")
        }
        ListedKind::Folder { mode } => writeln!(out, "d {mode:o} {path}"),
        ListedKind::Link { target } => writeln!(out, "l {} {path}", escaped(target)),
        ListedKind::Special => writeln!(out, "s {path}"),
        ListedKind::Unread => writeln!(out, "? {path}"),
    }
}

fn escaped(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' | 0..=0x20 | 0x7f..=0xff => all.push_str(&format!("%{byte:02X}")),
            0x21..=0x7e => all.push(char::from(byte)),
        }
    }
    all
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let pair = [rest.next()?, rest.next()?];
        let pair = std::str::from_utf8(&pair).ok()?;
        bytes.extend(super::digest::unhex(pair)?);
    }
    String::from_utf8(bytes).ok()
}

/// The lines of a listing, one after another.
pub(crate) struct Lines<R> {
    from: R,
    line: u64,
}

impl<R: BufRead> Lines<R> {
    /// A listing, whose first line is read.
    pub(crate) fn new(from: R) -> Result<Self, ListingError> {
        let mut own = Self { from, line: 0 };
        match own.text()? {
            Some(first) if first == LISTING_SCHEMA => Ok(own),
            Some(_) | None => Err(ListingError::NoListing { line: 1 }),
        }
    }

    /// The next line.
    pub(crate) fn next(&mut self) -> Result<Option<Listed>, ListingError> {
        let Some(text) = self.text()? else {
            return Ok(None);
        };
        let line = self.line;
        parse(&text)
            .map(Some)
            .ok_or(ListingError::NoListing { line })
    }

    fn text(&mut self) -> Result<Option<String>, ListingError> {
        self.line = self.line.saturating_add(1);
        let mut text = String::new();
        let read = io::Read::take(&mut self.from, MAX_LINE_BYTES).read_line(&mut text)?;
        match (read, text.pop()) {
            (0, _) => Ok(None),
            (_, Some('\n')) => Ok(Some(text)),
            (_, _) => Err(ListingError::NoListing { line: self.line }),
        }
    }
}

fn parse(text: &str) -> Option<Listed> {
    let words: Vec<&str> = text.split(' ').collect();
    let (path, what) = match words.as_slice() {
        ["f", mode, len, sha256, path] => {
            let what = ListedKind::File {
                mode: u32::from_str_radix(mode, 8).ok()?,
                len_bytes: len.parse().ok()?,
                sha256: (*sha256).to_owned(),
            };
            (path, what)
        }
        ["d", mode, path] => {
            let mode = u32::from_str_radix(mode, 8).ok()?;
            (path, ListedKind::Folder { mode })
        }
        ["l", target, path] => {
            let target = unescaped(target)?;
            (path, ListedKind::Link { target })
        }
        ["s", path] => (path, ListedKind::Special),
        ["?", path] => (path, ListedKind::Unread),
        _ => return None,
    };
    let path = unescaped(path)?;
    Some(Listed { path, what })
}

/// The order of the walk: part by part.
pub(crate) fn order(one: &str, other: &str) -> Ordering {
    one.split('/').cmp(other.split('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::digest::sha256;
    use crate::tests::memory::Memory;

    #[test]
    fn a_tree_is_listed_and_read_again() {
        let tree = Memory::new()
            .file("/a/x y%", "1")
            .file("/a-b", "22")
            .link("/a/l", "../b c")
            .file("/a/sub/z", "");
        let mut text = Vec::new();
        assert_eq!(list(&tree, &mut text).unwrap(), 6);
        let expect = format!(
            "detente/tree-listing/1\nd 644 /a\nl ../b%20c /a/l\nd 644 /a/sub\n\
             f 644 0 {} /a/sub/z\nf 644 1 {} /a/x%20y%25\nf 644 2 {} /a-b\n",
            sha256(b""),
            sha256(b"1"),
            sha256(b"22")
        );
        assert_eq!(String::from_utf8(text.clone()).unwrap(), expect);
        let mut lines = Lines::new(&text[..]).unwrap();
        let mut paths = Vec::new();
        while let Some(own) = lines.next().unwrap() {
            paths.push(own.path);
        }
        assert_eq!(
            paths,
            ["/a", "/a/l", "/a/sub", "/a/sub/z", "/a/x y%", "/a-b"]
        );
        let mut sorted = paths.clone();
        sorted.sort_by(|one, other| order(one, other));
        assert_eq!(paths, sorted);
    }

    #[test]
    fn what_is_no_listing_is_said() {
        for (text, line) in [
            ("", 1),
            ("x\n", 1),
            ("detente/tree-listing/1\nf 644 x y /z\n", 2),
            ("detente/tree-listing/1\nd 755 /a\nd 755 /%zz\n", 3),
            ("detente/tree-listing/1\nd 755 /cut", 2),
        ] {
            let end = Lines::new(text.as_bytes()).and_then(|mut lines| {
                while lines.next()?.is_some() {}
                Ok(())
            });
            assert!(
                matches!(end, Err(ListingError::NoListing { line: own }) if own == line),
                "{text:?}: {end:?}"
            );
        }
    }
}
