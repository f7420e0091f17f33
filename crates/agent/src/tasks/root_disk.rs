//! From the root's file system down to the disk, and up again to its controller.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{major, minor};

use super::mount_point::RootMount;
use crate::sysfs;

/// Layers of device mapper, RAID and partitions that we follow.
const MAX_LAYERS: u32 = 12;
const MAX_ANCESTORS: usize = 24;
/// The controllers hang on these; what drives a bridge above is not the disk's driver.
const LAST_BUSES: [&str; 2] = ["pci", "vmbus"];

/// A whole disk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Disk {
    /// `vda`.
    pub(super) name: String,
    /// Drivers from the disk up to its controller.
    pub(super) drivers: Vec<String>,
}

/// The disk below a mount, where it has one.
pub(super) fn find(sys: &Path, mount: &RootMount) -> Option<Disk> {
    let mut device = block_device(sys, &mount.device)
        .or_else(|| block_device(sys, &numbers_of_node(&mount.source)?))?;
    for _ in 0..MAX_LAYERS {
        if device.join("partition").exists() {
            device = device.parent()?.to_owned();
        } else if let Some(slave) = sysfs::names(device.join("slaves"), 64).first() {
            device = fs::canonicalize(device.join("slaves").join(slave)).ok()?;
        } else {
            break;
        }
    }
    let name = device.file_name()?.to_str()?.to_owned();
    let drivers = drivers(sys, &physical(&device));
    Some(Disk { name, drivers })
}

fn block_device(sys: &Path, numbers: &str) -> Option<PathBuf> {
    fs::canonicalize(sys.join("dev/block").join(numbers)).ok()
}

/// btrfs and others have a number of their own; then the mounted node tells.
fn numbers_of_node(node: &str) -> Option<String> {
    let number = fs::metadata(node).ok()?.rdev();
    Some(format!("{}:{}", major(number), minor(number)))
}

/// The disk's place below its controller. With multipath, an NVMe disk is a virtual device, and
/// its controllers are links beside it.
fn physical(disk: &Path) -> PathBuf {
    let beside = disk
        .parent()
        .filter(|parent| parent.to_string_lossy().contains("/nvme-subsystem/"));
    let controller = beside.and_then(|parent| {
        let names = sysfs::names(parent, 256);
        let is_controller = |name: &&String| {
            name.strip_prefix("nvme")
                .is_some_and(|end| end.bytes().all(|byte| byte.is_ascii_digit()))
        };
        fs::canonicalize(parent.join(names.iter().find(is_controller)?)).ok()
    });
    controller.unwrap_or_else(|| disk.to_owned())
}

/// The drivers of a device and of those above it, `_` for `-`.
fn drivers(sys: &Path, device: &Path) -> Vec<String> {
    let mut drivers = Vec::new();
    let top = fs::canonicalize(sys.join("devices")).unwrap_or_else(|_| sys.join("devices"));
    for ancestor in device
        .ancestors()
        .take(MAX_ANCESTORS)
        .take_while(|path| **path != *top)
    {
        drivers
            .extend(sysfs::link_name(ancestor.join("driver")).map(|name| name.replace('-', "_")));
        let bus = sysfs::link_name(ancestor.join("subsystem")).unwrap_or_default();
        if LAST_BUSES.contains(&&*bus) {
            break;
        }
    }
    drivers
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::super::mount_point::RootMount;
    use super::{Disk, find};

    fn mount(device: &str) -> RootMount {
        RootMount {
            device: device.into(),
            filesystem: "ext4".into(),
            source: "none".into(),
        }
    }

    fn driven(device: &Path, bus: &str, driver: &str) {
        fs::create_dir_all(device).unwrap();
        symlink(format!("/sys/bus/{bus}"), device.join("subsystem")).unwrap();
        symlink(
            format!("/sys/bus/{bus}/drivers/{driver}"),
            device.join("driver"),
        )
        .unwrap();
    }

    /// A virtio disk with one partition behind a bridge, and a logical volume on it.
    fn tree() -> tempfile::TempDir {
        let sys = tempfile::tempdir().unwrap();
        let bridge = sys.path().join("devices/pci0000:00/0000:00:01.0");
        let card = bridge.join("0000:01:00.0");
        let partition = card.join("virtio1/block/vda/vda1");
        let volume = sys.path().join("devices/virtual/block/dm-0");
        driven(&bridge, "pci", "pcieport");
        driven(&card, "pci", "virtio-pci");
        driven(&card.join("virtio1"), "virtio", "virtio_blk");
        fs::create_dir_all(&partition).unwrap();
        fs::write(partition.join("partition"), "1").unwrap();
        fs::create_dir_all(volume.join("slaves")).unwrap();
        fs::create_dir_all(sys.path().join("dev/block")).unwrap();
        symlink(&partition, volume.join("slaves/vda1")).unwrap();
        symlink(&partition, sys.path().join("dev/block/254:1")).unwrap();
        symlink(&volume, sys.path().join("dev/block/253:0")).unwrap();
        sys
    }

    #[test]
    fn a_partition_and_a_logical_volume_lead_to_the_same_disk() {
        let sys = tree();
        let expected = Disk {
            name: "vda".into(),
            drivers: vec!["virtio_blk".into(), "virtio_pci".into()],
        };
        assert_eq!(find(sys.path(), &mount("254:1")).unwrap(), expected);
        assert_eq!(find(sys.path(), &mount("253:0")).unwrap(), expected);
    }

    #[test]
    fn a_file_system_without_a_device_has_no_disk() {
        let sys = tree();
        assert_eq!(find(sys.path(), &mount("0:31")), None);
    }
}
