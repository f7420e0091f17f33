//! The shelter: a small root of the agent's own.
//!
//! The initramfs is emptied under us, its `/proc` moves away, and a directory that we hold open
//! in the real root would block the last unmount. So the agent lives on a private tmpfs with
//! its own `/proc`, `/sys` and `/dev`, and a copy of itself to start workers from.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;

use rustix::fs::{CWD, FileType, Mode, OFlags, makedev, mknodat};
use rustix::mount::{MountFlags, UnmountFlags};

/// Where the copy lies, seen from inside.
pub(crate) const AGENT_COPY: &str = "/agent";

/// Where its `/sys` is before it is entered.
pub(crate) const SYS_OUTSIDE: &str = "/.detente/shelter/sys";

const SHELTER: &str = "/.detente/shelter";

/// Mounts the shelter over the initramfs's name and puts `agent` into it. The root stays where
/// it is, so the caller can still look around in the initramfs.
///
/// # Errors
/// Whatever the kernel says.
pub(crate) fn build(agent: &[u8]) -> io::Result<()> {
    fs::create_dir_all(SHELTER)?;
    let quiet = MountFlags::NOSUID;
    rustix::mount::mount("detente", SHELTER, "tmpfs", quiet, c"mode=0700,size=8m")?;
    for (kind, name) in [("proc", "proc"), ("sysfs", "sys"), ("devtmpfs", "dev")] {
        let place = format!("{SHELTER}/{name}");
        fs::create_dir(&place)?;
        // A kernel without devtmpfs leaves an empty directory, which `device` fills.
        let mounted = rustix::mount::mount(kind, &*place, kind, quiet, None);
        if kind == "proc" {
            mounted?;
        }
    }
    let copy = format!("{SHELTER}{AGENT_COPY}");
    fs::write(&copy, agent)?;
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o700))
}

/// Lets go of everything but the shelter and makes it the root.
///
/// # Errors
/// Whatever the kernel says.
pub(crate) fn enter() -> io::Result<()> {
    rustix::process::chdir(SHELTER)?;
    for place in foreign_mounts(&fs::read_to_string("proc/self/mountinfo")?) {
        // What process 1 mounted before we left must not be held by us; what cannot be let go
        // of is at worst a mount of the initramfs.
        let _ = rustix::mount::unmount(&*place, UnmountFlags::DETACH);
    }
    // Over "/" and not on its own directory: removing a directory of the initramfs in process
    // 1's namespace takes away what is mounted on it in ours.
    rustix::mount::mount_move(".", "/")?;
    rustix::process::chroot(".")?;
    rustix::process::chdir("/")?;
    Ok(())
}

/// Mount points that are neither the root nor the shelter, the latest first.
fn foreign_mounts(mountinfo: &str) -> Vec<String> {
    let points = mountinfo.lines().filter_map(|line| line.split(' ').nth(4));
    let mut foreign: Vec<String> = points
        .filter(|place| *place != "/" && !place.starts_with(SHELTER))
        .map(str::to_owned)
        .collect();
    foreign.reverse();
    foreign
}

/// Gives the standard descriptors to `/dev/null`, so that the guest's console is free.
///
/// # Errors
/// There is no `/dev/null` and none can be made.
pub(crate) fn let_go_of_console() -> io::Result<()> {
    device("null", 1, 3)?;
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let low = rustix::fs::openat(CWD, "/dev/null", flags, Mode::empty())?;
    // Without a console the three are closed, and `low` is one of them.
    let null = rustix::io::fcntl_dupfd_cloexec(&low, 3)?;
    drop(low);
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

/// Makes a character device in `/dev` where devtmpfs did not.
///
/// # Errors
/// Whatever the kernel says.
pub(crate) fn device(name: &str, major: u32, minor: u32) -> io::Result<()> {
    let path = format!("/dev/{name}");
    if fs::exists(&path)? {
        return Ok(());
    }
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(
        CWD,
        &*path,
        FileType::CharacterDevice,
        mode,
        makedev(major, minor),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::foreign_mounts;

    #[test]
    fn only_the_guests_mounts_are_let_go_of_and_the_latest_first() {
        let mountinfo = "1 0 0:2 / / rw - rootfs none rw\n\
            20 1 0:20 / /proc rw - proc proc rw\n\
            21 1 0:21 / /run rw - tmpfs tmpfs rw\n\
            22 1 0:22 / /.detente/shelter rw - tmpfs detente rw\n\
            23 22 0:23 / /.detente/shelter/proc rw - proc proc rw\n\
            24 21 0:24 / /run/user rw - tmpfs tmpfs rw\n\
            spoiled\n";
        assert_eq!(foreign_mounts(mountinfo), ["/run/user", "/run", "/proc"]);
    }
}
