//! One file: its bytes, with its holes.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::Ordering;

use anyhow::Context as _;
use detente_block::{BlockRead, ExtentKind};
use detente_volume::Metadata;
use rustix::fs::{AtFlags, Mode, OFlags};

use super::{Interrupted, Job, mode, set_times};

/// What is read at a time, and looked at whether it is zero.
const CHUNK_BYTES: u64 = 64 * 1024;

/// Copies a file to a name in `folder` that must not be there.
pub(super) fn copy(
    job: &Job<'_>,
    path: &str,
    metadata: Metadata,
    folder: &OwnedFd,
    name: &OsStr,
) -> anyhow::Result<()> {
    let from = job.source.open(path)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::RUSR | Mode::WUSR)
        .with_context(|| format!("cannot create the copy of {path}"))?;
    let file = File::from(file);
    if let Err(error) = fill(job, from.as_ref(), &file) {
        // A part of a file is none. If it cannot be removed, the first error is the one to tell.
        let _ = rustix::fs::unlinkat(folder, name, AtFlags::empty());
        return Err(error.context(path.to_owned()));
    }
    rustix::fs::fchmod(file.as_fd(), mode(metadata.mode))
        .with_context(|| format!("cannot set the permissions of the copy of {path}"))?;
    drop(file);
    set_times(folder, name, metadata.modified_s);
    Ok(())
}

/// Writes what is not zero; the rest stays a hole.
fn fill(job: &Job<'_>, from: &dyn BlockRead, to: &File) -> anyhow::Result<()> {
    let len = from.len_bytes();
    let mut buffer = vec![0; usize::try_from(CHUNK_BYTES)?];
    to.set_len(len)?;
    let mut at = 0;
    while at < len {
        if job.cancel.load(Ordering::Relaxed) {
            return Err(Interrupted.into());
        }
        let extent = from.next_extent(at)?;
        if extent.kind == ExtentKind::Zero {
            at += extent.len;
            continue;
        }
        let wanted = extent.len.min(CHUNK_BYTES);
        let part = &mut buffer[..usize::try_from(wanted)?];
        from.read_exact_at(at, part)?;
        if part.iter().any(|byte| *byte != 0) {
            to.write_all_at(part, at)?;
        }
        at += wanted;
    }
    Ok(())
}
