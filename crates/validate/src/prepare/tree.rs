//! The listing of a guest's whole tree: what `undo` finds the guest's own differences by.
//!
//! A text file: [`HEADER`], then a line for each file, sorted as the tree is walked: kind (`f`, `d`,
//! `l`, `s`), permissions in octal, length, time of the last change in seconds since 1970, SHA-256 or
//! `-`, path, and the target of a link, with tabs between. Tabs, ends of lines and backslashes in
//! names are written `\t`, `\n` and `\\`.

mod compare;
mod line;

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use detente_block::BlockRead;
use detente_volume::{FileKind, FileSystem, FsError};
use sha2::{Digest as _, Sha256};

use crate::agent::hex;

pub(crate) use compare::{compare, folders};
use line::Line;

/// The first line.
pub(crate) const HEADER: &str = "detente/prepare-tree/1";

/// The bytes of longer files are not compared: their length and time are.
const HASHED_BYTES: u64 = 16 << 20;

/// A damaged file system may have circles.
const MAX_DEPTH: usize = 128;

/// More files than that are not listed.
const MAX_FILES: u64 = 5_000_000;

/// What is read at once.
const CHUNK_BYTES: usize = 256 << 10;

/// Lists a tree. Once `hurry` is set, no more bytes are read: lengths and times are listed then.
pub(crate) fn list(
    tree: &dyn FileSystem,
    into: &mut dyn Write,
    hurry: &AtomicBool,
) -> io::Result<u64> {
    writeln!(into, "{HEADER}")?;
    let mut written = Ok(());
    let count = walk(tree, hurry, &mut |line| {
        written = line.write(into);
        written.is_ok()
    });
    written.map(|()| count)
}

/// Goes through a tree in the order of its listing, until `visit` says no; how many files there
/// were. What cannot be read is left out: it is not read on the other side either.
fn walk(tree: &dyn FileSystem, hurry: &AtomicBool, visit: &mut dyn FnMut(Line) -> bool) -> u64 {
    let mut count = 0;
    let mut folders = vec![(String::new(), 0_usize)];
    while let Some((folder, depth)) = folders.pop() {
        let at = if folder.is_empty() { "/" } else { &folder };
        let Ok(mut entries) = tree.read_dir(at) else {
            continue;
        };
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        let mut below = Vec::new();
        for entry in entries {
            let path = format!("{folder}/{}", entry.name);
            if entry.kind == FileKind::Directory && depth < MAX_DEPTH {
                below.push((path.clone(), depth + 1));
            }
            let Ok(line) = look(tree, path, entry.kind, hurry) else {
                continue;
            };
            count += 1;
            if count > MAX_FILES || !visit(line) {
                return count;
            }
        }
        folders.extend(below.into_iter().rev());
    }
    count
}

fn look(
    tree: &dyn FileSystem,
    path: String,
    kind: FileKind,
    hurry: &AtomicBool,
) -> Result<Line, FsError> {
    let mut line = Line {
        kind,
        mode: 0,
        len: 0,
        modified_s: 0,
        sha256: None,
        path,
        target: None,
    };
    match kind {
        FileKind::Symlink => line.target = Some(tree.read_link(&line.path)?),
        FileKind::Directory => line.mode = tree.metadata(&line.path)?.mode,
        FileKind::File | FileKind::Special => {
            let metadata = tree.metadata(&line.path)?;
            line.mode = metadata.mode;
            line.len = metadata.len;
            line.modified_s = metadata.modified_s;
            let reads = kind == FileKind::File && metadata.len <= HASHED_BYTES;
            if reads && !hurry.load(Ordering::Relaxed) {
                line.sha256 = Some(sha256_of(&*tree.open(&line.path)?)?);
            }
        }
    }
    Ok(line)
}

/// The SHA-256 of a file, read piece by piece.
pub(crate) fn sha256_of(file: &dyn BlockRead) -> Result<String, FsError> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; CHUNK_BYTES];
    let (mut at, end) = (0, file.len_bytes());
    while at < end {
        let left = usize::try_from(end - at).unwrap_or(CHUNK_BYTES);
        let piece = buffer.get_mut(..left.min(CHUNK_BYTES)).unwrap_or_default();
        file.read_exact_at(at, piece)?;
        digest.update(&*piece);
        at += piece.len() as u64;
    }
    Ok(hex(&digest.finalize()))
}
