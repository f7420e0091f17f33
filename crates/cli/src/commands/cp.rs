//! `detente cp`: files of a guest into a folder of this machine.

mod file;
mod tree;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use clap::Args;
use detente_volume::{FileKind, FileSystem};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};

use super::guest_path::{GuestPath, Opened, Where, is_plain};
use crate::failure::Failure;
use crate::output::Output;
use crate::{CANNOT_TELL, FINE, INTERRUPTED, interrupt};

/// Copy a file of a guest, or with -r a folder, to this machine.
///
/// The disks are read, never written. Nothing is written outside DEST: names that would lead
/// elsewhere are left out, links are made again as they are and never followed, devices and
/// sockets are left out; each is said. Owners become you, and no set-user bit is taken over. What
/// is copied gets its name when it is whole.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  detente cp server.qcow2:/etc/fstab .\n  \
    detente cp -r server.qcow2:/etc ./server-etc\n  \
    detente cp --volume disk0p1 -r server.vhdx:/EFI ./esp\n\n\
    Exit codes: 0 fine, 2 could not tell (something was not copied), 64 wrong usage, \
    130 interrupted.")]
pub(crate) struct Arguments {
    /// The file or folder in the guest.
    #[arg(value_name = "IMAGE:PATH")]
    from: GuestPath,
    /// A folder that is there, to copy into; else the new name.
    #[arg(value_name = "DEST")]
    to: PathBuf,
    /// Copy a folder with all that is in it.
    #[arg(short, long)]
    recursive: bool,
    /// Replace a file of that name; a folder is never replaced.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    place: Where,
}

/// What the copying of one thing needs to know.
struct Job<'a> {
    source: &'a dyn FileSystem,
    cancel: &'a AtomicBool,
    /// Whether something was left out that should not have been.
    incomplete: bool,
}

/// The copy was given up.
#[derive(Debug)]
struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> anyhow::Result<ExitCode> {
    refuse_the_other_way(&arguments.to)?;
    let opened = arguments.place.open(&arguments.from.image)?;
    let source = opened.tree()?;
    let path = &arguments.from.path;
    let metadata = source.metadata(path).map_err(|error| opened.error(error))?;
    refuse_kind(arguments, metadata.kind)?;
    let target = target(arguments)?;
    if !arguments.force || metadata.kind == FileKind::Directory {
        refuse_existing(&target)?;
    }
    let cancel = interrupt::watch()?;
    let mut job = Job {
        source: source.as_ref(),
        cancel: &cancel,
        incomplete: false,
    };
    match copy(&mut job, &opened, arguments, &target, out) {
        Ok(()) if job.incomplete => Ok(ExitCode::from(CANNOT_TELL)),
        Ok(()) => Ok(ExitCode::from(FINE)),
        Err(error) if error.is::<Interrupted>() => Ok(ExitCode::from(INTERRUPTED)),
        Err(error) => Err(error),
    }
}

/// A destination that is a path in an image: nothing is ever written into one.
fn refuse_the_other_way(to: &Path) -> Result<(), Failure> {
    let text = to.to_string_lossy();
    let image = text.match_indices(":/").map(|(at, _)| text.split_at(at).0);
    match image.map(Path::new).find(|image| image.is_file()) {
        Some(image) => Err(Failure::usage(
            format!(
                "{} is not written: files are copied out of a guest only",
                image.display()
            ),
            "first IMAGE:PATH, then a file or folder of this machine",
        )),
        None => Ok(()),
    }
}

fn refuse_kind(arguments: &Arguments, kind: FileKind) -> Result<(), Failure> {
    let path = &arguments.from.path;
    match kind {
        FileKind::Directory if !arguments.recursive => Err(Failure::usage(
            format!("{path} is a folder"),
            "copy it with all that is in it: -r",
        )),
        FileKind::Special => Err(Failure::usage(
            format!("{path} is a device, a pipe or a socket, which has no content"),
            "name a file or a folder",
        )),
        FileKind::File | FileKind::Directory | FileKind::Symlink => Ok(()),
    }
}

/// Where the copy goes.
fn target(arguments: &Arguments) -> Result<PathBuf, Failure> {
    if !arguments.to.is_dir() {
        return Ok(arguments.to.clone());
    }
    let name = arguments.from.path.trim_end_matches('/').rsplit('/').next();
    match name {
        Some(name) if is_plain(name) => Ok(arguments.to.join(name)),
        _ => Err(Failure::usage(
            format!(
                "{} is there, and what is copied has no name",
                arguments.to.display()
            ),
            "name a folder that is not there yet: it becomes the copy",
        )),
    }
}

fn refuse_existing(target: &Path) -> Result<(), Failure> {
    if target.symlink_metadata().is_err() {
        return Ok(());
    }
    let hint = "name another file or folder, or replace a file with --force";
    let said = anyhow::anyhow!("{} is there already", target.display());
    Err(Failure::cannot_tell(said, Some(hint.to_owned())))
}

/// Copies under a temporary name in the same folder, then renames.
fn copy(
    job: &mut Job<'_>,
    opened: &Opened,
    arguments: &Arguments,
    target: &Path,
    out: &mut Output,
) -> anyhow::Result<()> {
    let parent = match target.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("."),
    };
    let name = target.file_name().context("the destination has no name")?;
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(CWD, parent, flags, Mode::empty())
        .with_context(|| format!("cannot open {}", parent.display()))?;
    let mut partial = OsString::from(".");
    partial.push(name);
    partial.push(format!(".{}.partial", std::process::id()));
    let path = &arguments.from.path;
    let metadata = job
        .source
        .metadata(path)
        .map_err(|error| opened.error(error))?;
    let is_folder = metadata.kind == FileKind::Directory;
    let made = if is_folder {
        tree::copy(job, path, &folder, &partial, out)
    } else {
        file::copy(job, path, metadata, &folder, &partial)
    };
    let replace = match arguments.force && !is_folder {
        true => RenameFlags::empty(),
        false => RenameFlags::NOREPLACE,
    };
    let done = made.and_then(|()| {
        rustix::fs::renameat_with(&folder, &partial, &folder, name, replace)
            .with_context(|| format!("cannot give the copy the name {}", target.display()))
    });
    if done.is_err() {
        remove(parent, &partial, is_folder);
    }
    done
}

/// Nothing half is left. What cannot be removed has a name that says what it is.
fn remove(parent: &Path, partial: &OsString, is_folder: bool) {
    let path = parent.join(partial);
    // The first error is the one to tell.
    let _ = if is_folder {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
}

/// The mode that a copy gets: no set-user, set-group or sticky bit.
fn mode(mode: u16) -> Mode {
    Mode::from_raw_mode(u32::from(mode & 0o777))
}

/// Takes over the time of the last change.
fn set_times(folder: impl std::os::fd::AsFd, name: &std::ffi::OsStr, modified_s: i64) {
    let time = rustix::fs::Timespec {
        tv_sec: modified_s,
        tv_nsec: 0,
    };
    let times = rustix::fs::Timestamps {
        last_access: time,
        last_modification: time,
    };
    // A file system that knows no such time keeps today's.
    let _ = rustix::fs::utimensat(folder, name, &times, AtFlags::SYMLINK_NOFOLLOW);
}
