//! A folder with all that is in it, below a folder that is open: no path of the guest's is ever
//! resolved on this machine.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;

use anyhow::Context as _;
use detente_volume::{DirEntry, FileKind, FsError, Metadata};
use rustix::fs::{Mode, OFlags};

use super::super::guest_path::{below, is_plain};
use super::{Interrupted, Job, file, mode, set_times};
use crate::output::Output;
use crate::page::clean;

/// Folders in folders beyond this are left out: a damaged file system may have circles.
const MAX_DEPTH: usize = 128;
/// Files and folders beyond this are an error.
const MAX_ENTRIES: u64 = 10_000_000;

/// Copies a folder to a name in `folder` that must not be there.
pub(super) fn copy(
    job: &mut Job<'_>,
    path: &str,
    folder: &OwnedFd,
    name: &OsStr,
    out: &mut Output,
) -> anyhow::Result<()> {
    let mut walk = Walk {
        job,
        copied: 0,
        out,
    };
    let metadata = walk.job.source.metadata(path)?;
    let entries = walk.job.source.read_dir(path)?;
    walk.folder(
        Folder {
            path,
            metadata,
            entries,
            depth: 0,
        },
        folder,
        name,
    )
}

struct Walk<'j, 's, 'o> {
    job: &'j mut Job<'s>,
    copied: u64,
    out: &'o mut Output,
}

/// A folder of the guest that was read.
struct Folder<'a> {
    path: &'a str,
    metadata: Metadata,
    entries: Vec<DirEntry>,
    depth: usize,
}

impl Walk<'_, '_, '_> {
    fn folder(&mut self, from: Folder<'_>, into: &OwnedFd, name: &OsStr) -> anyhow::Result<()> {
        let path = from.path;
        // Ours alone while it is filled, and never one that is there.
        rustix::fs::mkdirat(into, name, Mode::RWXU)
            .with_context(|| format!("cannot create the copy of {path}"))?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let own = rustix::fs::openat(into, name, flags, Mode::empty())
            .with_context(|| format!("cannot open the copy of {path}"))?;
        for entry in &from.entries {
            self.entry(path, entry, &own, from.depth)?;
        }
        rustix::fs::fchmod(&own, mode(from.metadata.mode) | Mode::RWXU)
            .with_context(|| format!("cannot set the permissions of the copy of {path}"))?;
        set_times(into, name, from.metadata.modified_s);
        Ok(())
    }

    fn entry(
        &mut self,
        path: &str,
        entry: &DirEntry,
        own: &OwnedFd,
        depth: usize,
    ) -> anyhow::Result<()> {
        if self.job.cancel.load(Ordering::Relaxed) {
            return Err(Interrupted.into());
        }
        let from = below(path, &entry.name);
        if !is_plain(&entry.name) {
            self.leave_out(&from, "its name cannot be used here");
            return Ok(());
        }
        self.copied += 1;
        anyhow::ensure!(self.copied <= MAX_ENTRIES, "more than {MAX_ENTRIES} files");
        let name = OsStr::new(&entry.name);
        match entry.kind {
            FileKind::File => self.file(&from, own, name),
            FileKind::Symlink => self.link(&from, own, name),
            FileKind::Directory => self.below(&from, own, name, depth + 1),
            FileKind::Special => {
                // No content is lost by it.
                self.say(&from, "a device, a pipe or a socket");
                Ok(())
            }
        }
    }

    fn file(&mut self, from: &str, own: &OwnedFd, name: &OsStr) -> anyhow::Result<()> {
        let copied = match self.job.source.metadata(from) {
            Ok(metadata) => file::copy(self.job, from, metadata, own, name),
            Err(error) => Err(error.into()),
        };
        match copied {
            Err(error) if is_guests(&error) => {
                self.leave_out(from, &format!("{error:#}"));
                Ok(())
            }
            copied => copied,
        }
    }

    fn link(&mut self, from: &str, own: &OwnedFd, name: &OsStr) -> anyhow::Result<()> {
        match self.job.source.read_link(from) {
            Ok(target) if !target.is_empty() && !target.contains('\0') => {
                match rustix::fs::symlinkat(&target, own, name) {
                    Err(error @ (rustix::io::Errno::EXIST | rustix::io::Errno::NAMETOOLONG)) => {
                        self.leave_out(from, &error.to_string());
                        Ok(())
                    }
                    made => made.with_context(|| format!("cannot make the link {from} again")),
                }
            }
            Ok(_) => {
                self.leave_out(from, "a link to nothing");
                Ok(())
            }
            Err(error) => self.unreadable(from, error),
        }
    }

    fn below(
        &mut self,
        from: &str,
        own: &OwnedFd,
        name: &OsStr,
        depth: usize,
    ) -> anyhow::Result<()> {
        if depth > MAX_DEPTH {
            self.leave_out(from, "too deep");
            return Ok(());
        }
        let source = self.job.source;
        let read = source
            .metadata(from)
            .and_then(|metadata| Ok((metadata, source.read_dir(from)?)));
        match read {
            Ok((metadata, entries)) => {
                let folder = Folder {
                    path: from,
                    metadata,
                    entries,
                    depth,
                };
                match self.folder(folder, own, name) {
                    Err(error) if is_twice(&error) => {
                        self.leave_out(from, "the folder has this name twice");
                        Ok(())
                    }
                    copied => copied,
                }
            }
            Err(error) => self.unreadable(from, error),
        }
    }

    fn unreadable(&mut self, from: &str, error: FsError) -> anyhow::Result<()> {
        match error {
            FsError::Read(detente_block::ReadError::Io { .. }) => Err(error.into()),
            error => {
                self.leave_out(from, &error.to_string());
                Ok(())
            }
        }
    }

    fn leave_out(&mut self, from: &str, why: &str) {
        self.job.incomplete = true;
        self.say(from, why);
    }

    fn say(&mut self, from: &str, why: &str) {
        self.out.aside(&clean(&format!("left out: {from}: {why}")));
    }
}

/// Whether the guest's file is at fault and the rest can go on: not our disk, not the image's.
fn is_guests(error: &anyhow::Error) -> bool {
    let image_failed =
        |error: &detente_block::ReadError| matches!(error, detente_block::ReadError::Io { .. });
    if is_twice(error) {
        return true;
    }
    if let Some(FsError::Read(read)) = error.downcast_ref::<FsError>() {
        return !image_failed(read);
    }
    if let Some(read) = error.downcast_ref::<detente_block::ReadError>() {
        return !image_failed(read);
    }
    error.downcast_ref::<FsError>().is_some()
}

/// A damaged folder may have a name twice; the first one stays.
fn is_twice(error: &anyhow::Error) -> bool {
    error.downcast_ref::<rustix::io::Errno>() == Some(&rustix::io::Errno::EXIST)
}
