//! A mount namespace of one's own, and the way into that of process 1.
#![expect(unsafe_code, reason = "unshare(2) may tear apart what threads share")]

use std::io;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};

/// Leaves process 1's mounts: from here on neither side sees what the other mounts.
///
/// # Errors
/// Whatever the kernel says.
pub(crate) fn leave_mounts() -> io::Result<()> {
    // SAFETY: of the things that threads share only CLONE_FS is implied by CLONE_NEWNS (no
    // descriptor table is torn apart), and the background agent never starts a thread.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }?;
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )?;
    Ok(())
}

/// Goes where process 1 is: its mounts, its root.
///
/// # Errors
/// Whatever the kernel says, most likely that process 1 is just changing its root.
pub(crate) fn enter_root_of_first() -> io::Result<()> {
    let flags = OFlags::CLOEXEC | OFlags::RDONLY;
    let mounts = rustix::fs::openat(CWD, "/proc/1/ns/mnt", flags, Mode::empty())?;
    let directory = OFlags::CLOEXEC | OFlags::PATH | OFlags::DIRECTORY;
    let root = rustix::fs::openat(CWD, "/proc/1/root", directory, Mode::empty())?;
    let kind = Some(LinkNameSpaceType::Mount);
    rustix::thread::move_into_link_name_space(std::os::fd::AsFd::as_fd(&mounts), kind)?;
    rustix::process::fchdir(&root)?;
    rustix::process::chroot(".")?;
    rustix::process::chdir("/")?;
    Ok(())
}
