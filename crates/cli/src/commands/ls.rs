//! `detente ls`: what is in a folder of a guest.

use std::process::ExitCode;

use clap::Args;
use detente_volume::{DirEntry, FileKind, FileSystem, FsError};
use jiff::Timestamp;
use serde::Serialize;

use super::guest_path::{GuestPath, Where, below, is_plain};
use crate::args::Format;
use crate::output::Output;
use crate::page::clean;
use crate::{CANNOT_TELL, FINE};

/// Folders in folders beyond this are not entered: a damaged file system may have circles.
const MAX_DEPTH: usize = 128;
/// Entries beyond this are not listed.
const MAX_ENTRIES: u64 = 10_000_000;

/// List a folder of a guest.
///
/// The disks are read, never written. Links at the end of a path are followed, those in a folder
/// are shown.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  detente ls server.qcow2:/etc\n  \
    detente ls -l --volume disk0p1 server.qcow2\n  \
    detente ls -R --format json server.vhdx:/boot\n\n\
    JSON is one document a line, one for each entry.\n\n\
    Exit codes: 0 fine, 2 could not tell (no such folder, something unreadable), 64 wrong usage.")]
pub(crate) struct Arguments {
    /// The folder or file in the guest; its root, without a path.
    #[arg(value_name = "IMAGE[:PATH]")]
    path: GuestPath,
    /// With kind and permissions, length, and time of change (UTC).
    #[arg(short, long)]
    long: bool,
    /// With all folders below.
    #[arg(short = 'R', long)]
    recursive: bool,
    #[command(flatten)]
    place: Where,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// An entry for programs.
#[derive(Serialize)]
struct Listed<'a> {
    schema: &'static str,
    path: &'a str,
    kind: &'static str,
    size_bytes: Option<u64>,
    /// Permission bits in octal.
    mode: Option<String>,
    modified: Option<String>,
    target: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    let opened = arguments.place.open(&arguments.path.image)?;
    let tree = opened.tree()?;
    let path = &arguments.path.path;
    let top = tree.metadata(path).map_err(|error| opened.error(error))?;
    let mut listing = Listing {
        tree: tree.as_ref(),
        arguments,
        listed: 0,
        left_out: false,
    };
    if top.kind == FileKind::Directory {
        let entries = listing.entries(path).map_err(|error| opened.error(error))?;
        let top = Waiting {
            path: path.clone(),
            depth: 0,
        };
        let found = listing.folder(&top, &entries, out)?;
        listing.walk(found.into_iter().rev().collect(), out)?;
    } else {
        listing.entry(path, path, top.kind, out)?;
    }
    let code = if listing.left_out { CANNOT_TELL } else { FINE };
    Ok(ExitCode::from(code))
}

/// A folder that is yet to be read.
struct Waiting {
    path: String,
    depth: usize,
}

struct Listing<'a> {
    tree: &'a dyn FileSystem,
    arguments: &'a Arguments,
    listed: u64,
    /// Whether something could not be read, which was said.
    left_out: bool,
}

impl Listing<'_> {
    fn entries(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
        let mut entries = self.tree.read_dir(path)?;
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    /// A folder's lines; with `-R` the folders in it are yet to come.
    fn folder(
        &mut self,
        Waiting { path, depth }: &Waiting,
        entries: &[DirEntry],
        out: &mut Output,
    ) -> anyhow::Result<Vec<Waiting>> {
        let is_text = self.arguments.format == Format::Text;
        if self.arguments.recursive && is_text {
            let gap = if *depth == 0 { "" } else { "\n" };
            out.bytes(format!("{gap}{}:\n", clean(path)).as_bytes())?;
        }
        let mut folders = Vec::new();
        for entry in entries {
            let child = below(path, &entry.name);
            let shown = if is_text { &entry.name } else { &child };
            self.entry(shown, &child, entry.kind, out)?;
            if self.arguments.recursive && entry.kind == FileKind::Directory {
                folders.push(Waiting {
                    path: child,
                    depth: depth + 1,
                });
            }
        }
        Ok(folders)
    }

    /// All that waits, a folder at a time; only names are held.
    fn walk(&mut self, mut waiting: Vec<Waiting>, out: &mut Output) -> anyhow::Result<()> {
        while let Some(folder) = waiting.pop() {
            if folder.depth > MAX_DEPTH {
                self.leave_out(&folder.path, "too deep", out);
                continue;
            }
            if self.listed >= MAX_ENTRIES {
                anyhow::bail!("more than {MAX_ENTRIES} entries: the rest is not listed");
            }
            match self.entries(&folder.path) {
                Ok(entries) => {
                    let found = self.folder(&folder, &entries, out)?;
                    waiting.extend(found.into_iter().rev());
                }
                Err(error) => self.leave_out(&folder.path, &error.to_string(), out),
            }
        }
        Ok(())
    }

    fn leave_out(&mut self, path: &str, why: &str, out: &mut Output) {
        self.left_out = true;
        out.aside(&clean(&format!("not listed: {path}: {why}")));
    }

    /// One line.
    fn entry(
        &mut self,
        shown: &str,
        path: &str,
        kind: FileKind,
        out: &mut Output,
    ) -> anyhow::Result<()> {
        self.listed += 1;
        let is_json = self.arguments.format == Format::Json;
        if !is_json && !self.arguments.long {
            out.bytes(format!("{}\n", clean(shown)).as_bytes())?;
            return Ok(());
        }
        let listed = self.look(shown, path, kind, out);
        let line = if is_json {
            serde_json::to_string(&listed)?
        } else {
            clean(&long(&listed, kind))
        };
        out.bytes(format!("{line}\n").as_bytes())?;
        Ok(())
    }

    /// What is known of an entry; a link is not followed.
    fn look<'s>(
        &mut self,
        shown: &'s str,
        path: &str,
        kind: FileKind,
        out: &mut Output,
    ) -> Listed<'s> {
        let mut listed = Listed {
            schema: "detente/file-entry/1",
            path: shown,
            kind: word(kind),
            size_bytes: None,
            mode: None,
            modified: None,
            target: None,
        };
        if !path
            .split('/')
            .skip(1)
            .all(|name| name.is_empty() || is_plain(name))
        {
            self.leave_out(
                path,
                "its name is not UTF-8, so it cannot be asked for",
                out,
            );
            return listed;
        }
        if kind == FileKind::Symlink {
            match self.tree.read_link(path) {
                Ok(target) => listed.target = Some(target),
                Err(error) => self.leave_out(path, &error.to_string(), out),
            }
            return listed;
        }
        match self.tree.metadata(path) {
            Ok(metadata) => {
                listed.size_bytes = Some(metadata.len);
                listed.mode = Some(format!("{:04o}", metadata.mode & 0o7777));
                let modified = Timestamp::from_second(metadata.modified_s).ok();
                listed.modified = modified.map(|time| time.to_string());
            }
            Err(error) => self.leave_out(path, &error.to_string(), out),
        }
        listed
    }
}

fn word(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "file",
        FileKind::Directory => "directory",
        FileKind::Symlink => "symlink",
        FileKind::Special => "special",
    }
}

/// `kind mode length time name`, as `ls -l` has it.
fn long(listed: &Listed<'_>, kind: FileKind) -> String {
    let letter = match kind {
        FileKind::File => '-',
        FileKind::Directory => 'd',
        FileKind::Symlink => 'l',
        FileKind::Special => 's',
    };
    let mode = listed.mode.as_deref().unwrap_or("----");
    let size = listed.size_bytes.map(|size| size.to_string());
    let size = size.as_deref().unwrap_or("-");
    let modified = listed.modified.as_deref().unwrap_or("-");
    let mut line = format!("{letter} {mode} {size:>12} {modified:20} {}", listed.path);
    if let Some(target) = &listed.target {
        line.push_str(&format!(" -> {target}"));
    }
    line
}
