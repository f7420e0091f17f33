//! The calls: devices are named, file systems mounted, the root changed.

use std::ffi::CString;
use std::fs::{self, File};

use detente_plan::protocol::RootMount;
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

use super::device::Block;
use super::error::{RootError, While as _};
use super::table::Table;

/// What the kernel calls the device in `/proc/mounts`.
const NODE: &str = "/dev/root";
/// A disk whose partition table is read.
const DISK: &str = "/.detente/disk";
/// Where the root is mounted first.
const PLACE: &str = "/.detente/root";

/// Mounts what the kernel shows of itself.
pub(super) fn views(views: &[(&str, &str)]) -> Result<(), RootError> {
    for (kind, place) in views {
        fs::create_dir_all(place).in_step("make a folder in the initramfs")?;
        rustix::mount::mount(*kind, *place, *kind, MountFlags::NOSUID, None)
            .in_step("mount the kernel's views")?;
    }
    Ok(())
}

/// Lets go of [`views`]; what stays is covered by the root.
pub(super) fn forget(places: &[&str]) {
    for place in places {
        let _ = rustix::mount::unmount(*place, UnmountFlags::DETACH);
    }
}

/// The partition table of a disk, if it can be read.
pub(super) fn partition_table(disk: Block, block_bytes: u64) -> Option<Table> {
    node(DISK, disk).ok()?;
    Table::read(&mut File::open(DISK).ok()?, block_bytes)
}

/// Makes a device, in the place of what was there.
fn node(path: &str, block: Block) -> rustix::io::Result<()> {
    let _ = fs::remove_file(path);
    let device = makedev(block.major, block.minor);
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, path, FileType::BlockDevice, mode, device)
}

/// The kinds to try: those asked for, else all that are made for block devices.
pub(super) fn kinds(root: &RootMount, known: &str) -> Vec<String> {
    if !root.kinds.is_empty() {
        return root.kinds.clone();
    }
    // Linux, fs/filesystems.c: "nodev", a tab, the name.
    let on_devices = known.lines().filter_map(|line| line.strip_prefix('\t'));
    on_devices.map(str::to_owned).collect()
}

/// Mounts the root: each kind in turn and, if none will be written to, each once more read-only.
pub(super) fn root(block: Block, kinds: &[String], root: &RootMount) -> Result<(), RootError> {
    let _ = fs::create_dir_all("/dev");
    node(NODE, block).in_step("make /dev/root")?;
    fs::create_dir_all(PLACE).in_step("make a folder in the initramfs")?;
    let options = CString::new(root.options.as_str()).unwrap_or_default();
    let options = (!options.is_empty()).then_some(options.as_c_str());
    let writable = (!root.read_only).then_some(MountFlags::SILENT);
    let read_only = MountFlags::SILENT | MountFlags::RDONLY;
    let mut last = Errno::NODEV;
    for flags in writable.into_iter().chain([read_only]) {
        for kind in kinds {
            match rustix::mount::mount(NODE, PLACE, kind.as_str(), flags, options) {
                Ok(()) => return Ok(()),
                // Linux, mount_block_root(): with these it goes on to the next kind.
                Err(error @ (Errno::ACCESS | Errno::INVAL)) => last = error,
                Err(error) => return Err(failed(root, kind, error)),
            }
        }
    }
    Err(failed(root, &kinds.join(", "), last))
}

fn failed(root: &RootMount, kinds: &str, source: Errno) -> RootError {
    RootError::Mount {
        device: root.device.clone(),
        kinds: kinds.to_owned(),
        source,
    }
}

/// Makes what was mounted the root. Devices come with it: a root need not have any.
pub(super) fn enter(devices: bool) -> Result<(), RootError> {
    rustix::process::chdir(PLACE).in_step("enter the root")?;
    if devices {
        // As with CONFIG_DEVTMPFS_MOUNT; a root without a /dev gets none from the kernel either.
        let _ = rustix::mount::mount("devtmpfs", "dev", "devtmpfs", MountFlags::SILENT, None);
    }
    rustix::mount::mount_move(".", "/").in_step("move the root to /")?;
    rustix::process::chroot(".").in_step("enter the root")?;
    rustix::process::chdir("/").in_step("enter the root")
}

#[cfg(test)]
mod tests {
    use detente_plan::protocol::{RootMount, RootWait};

    use super::kinds;

    fn root(kinds: &[&str]) -> RootMount {
        RootMount {
            device: "/dev/vda".to_owned(),
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            options: String::new(),
            read_only: true,
            delay_s: 0,
            wait: RootWait::Probes,
            init: None,
            devtmpfs: true,
        }
    }

    #[test]
    fn only_what_is_made_for_devices_is_tried_unless_asked_for() {
        let known = "nodev\tsysfs\nnodev\ttmpfs\n\text3\n\text4\nnodev\tproc\n";
        assert_eq!(kinds(&root(&[]), known), ["ext3", "ext4"]);
        assert_eq!(kinds(&root(&["xfs"]), known), ["xfs"]);
        assert_eq!(kinds(&root(&[]), ""), [""; 0]);
    }
}
