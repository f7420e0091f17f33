//! Prints `SHA-256  PATH` for every regular file of the first volume that can be read, sorted by
//! path, as `find -type f | xargs sha256sum` does for the kernel's mount of the same image:
//! `cargo run --release -p detente-volume --example hash_tree -- [--all] DISK`.
//!
//! Several disks are the devices of one btrfs; `--subvolume=ID` takes one of its subvolumes, and
//! `--list` only lists them.
//!
//! `--all` adds a line for everything else that is known: `KIND MODE LENGTH SECONDS PATH` (and
//! the target of a link), where `find -printf '%y %m %s %Ts %P'` prints the same.
#![expect(clippy::print_stdout, reason = "a program for scripts")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use detente_block::{BlockRead, ExtentKind, FileBackend};
use detente_volume::{
    Btrfs, Content, FileKind, FileSystem, Volume, XfsLog, open, open_xfs, survey,
};
use sha2::{Digest as _, Sha256};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How much of a file is read at once.
const PIECE_BYTES: u64 = 1 << 20;

fn main() -> Result<()> {
    let mut arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let wants_all = arguments.iter().any(|argument| argument == "--all");
    let wants_list = arguments.iter().any(|argument| argument == "--list");
    let subvolume = arguments
        .iter()
        .find_map(|argument| argument.to_str()?.strip_prefix("--subvolume="))
        .map(str::parse)
        .transpose()?;
    arguments.retain(|argument| !argument.as_encoded_bytes().starts_with(b"--"));
    let mut volumes = Vec::new();
    for path in arguments.into_iter().map(PathBuf::from) {
        let disk: Arc<dyn BlockRead> = Arc::new(FileBackend::open(&path)?);
        volumes.push(survey(&disk)?.volumes);
    }
    let fs = match (volumes.as_slice(), subvolume) {
        ([], _) => return Err("which disk?".into()),
        ([only], None) if !wants_list => first(only)?,
        (several, _) => {
            let windows = several.iter().flatten().map(|volume| volume.window.clone());
            let btrfs = Btrfs::open(&windows.collect::<Vec<_>>())?;
            if wants_list {
                return list(&btrfs);
            }
            btrfs.open_subvolume(subvolume.unwrap_or(btrfs.default_subvolume()))?
        }
    };
    for (path, kind) in tree(fs.as_ref())? {
        if wants_all {
            println!("{}", about(fs.as_ref(), &path, kind)?);
        }
        if kind == FileKind::File {
            println!("{}  {path}", hash(fs.as_ref(), &path)?);
        }
    }
    Ok(())
}

fn first(volumes: &[Volume]) -> Result<Box<dyn FileSystem>> {
    let mut last = None;
    for volume in volumes {
        let opened = match volume.content {
            Content::Xfs { .. } => {
                open_xfs(&volume.window).map(|(fs, state)| (fs, Some(state.log)))
            }
            _ => open(volume).map(|fs| (fs, None)),
        };
        match opened {
            Ok((_, Some(XfsLog::NotReplayed { reason }))) => {
                return Err(format!("the log was not replayed: {reason}").into());
            }
            Ok((fs, _)) => return Ok(fs),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| "there are no volumes".into(), Into::into))
}

/// `ID PARENT UUID ro|rw PATH`, and an asterisk before the default one.
fn list(btrfs: &Btrfs) -> Result<()> {
    for found in btrfs.subvolumes()? {
        let default = btrfs.default_subvolume() == found.id;
        println!(
            "{}{} {} {} {} {}",
            if default { "*" } else { "" },
            found.id,
            found.parent.unwrap_or(0),
            found.uuid,
            if found.read_only { "ro" } else { "rw" },
            found.path
        );
    }
    for note in btrfs.notes() {
        println!("note: {note}");
    }
    Ok(())
}

/// Every path but the root's, without its first `/`.
fn tree(fs: &dyn FileSystem) -> Result<BTreeMap<String, FileKind>> {
    let mut all = BTreeMap::new();
    let mut ahead = vec![String::new()];
    while let Some(path) = ahead.pop() {
        for entry in fs.read_dir(&format!("/{path}"))? {
            let child = match path.as_str() {
                "" => entry.name,
                path => format!("{path}/{}", entry.name),
            };
            if entry.kind == FileKind::Directory {
                ahead.push(child.clone());
            }
            all.insert(child, entry.kind);
        }
    }
    Ok(all)
}

/// A link is not followed: there is its target, but none of its numbers.
fn about(fs: &dyn FileSystem, path: &str, kind: FileKind) -> Result<String> {
    let absolute = format!("/{path}");
    if kind == FileKind::Symlink {
        return Ok(format!("l {path} {}", fs.read_link(&absolute)?));
    }
    let found = fs.metadata(&absolute)?;
    let letter = match found.kind {
        FileKind::File => 'f',
        FileKind::Directory => {
            return Ok(format!("d {:o} {} {path}", found.mode, found.modified_s));
        }
        FileKind::Symlink => 'l',
        FileKind::Special => return Ok(format!("s {:o} {} {path}", found.mode, found.modified_s)),
    };
    let (mode, len, seconds) = (found.mode, found.len, found.modified_s);
    Ok(format!("{letter} {mode:o} {len} {seconds} {path}"))
}

/// Piece by piece; what is known to be zero is not read.
fn hash(fs: &dyn FileSystem, path: &str) -> Result<String> {
    let file = fs.open(&format!("/{path}"))?;
    let mut sum = Sha256::new();
    let mut offset = 0;
    let mut buf = Vec::new();
    while offset < file.len_bytes() {
        let extent = file.next_extent(offset)?;
        let len = extent.len.min(PIECE_BYTES);
        buf.clear();
        buf.resize(usize::try_from(len)?, 0);
        if extent.kind == ExtentKind::Data {
            file.read_exact_at(offset, &mut buf)?;
        }
        sum.update(&buf);
        offset += len;
    }
    let mut text = String::new();
    for byte in sum.finalize() {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}
