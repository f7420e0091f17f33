//! Configuration that names storage, or depends on what the machine is like.

use serde::{Deserialize, Serialize};

use super::{Evidence, Setting};

/// Configuration of storage, memory and boot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageConfig {
    /// Every place where a disk has a name that it has only on this machine: as the kernel counts
    /// (`/dev/sda2`), by its controller (`/dev/disk/by-path`), by what the hypervisor calls it
    /// (`/dev/disk/by-id`). `name` says what the line is of: `fstab`, `crypttab`, `mdadm`, `lvm`,
    /// `resume`, `grub`, `kdump`, `kernel-argument`, `device-map`.
    pub device_names: Vec<Setting>,
    /// kdump, if it is installed or configured.
    #[serde(default)]
    pub kdump: Option<Kdump>,
    /// LVM.
    pub lvm: Lvm,
    /// `/etc/crypttab`.
    pub crypttab: Vec<CryptMapping>,
    /// `mdadm.conf`: the lines `ARRAY`, `DEVICE`, `AUTO`.
    pub mdadm: Vec<Setting>,
    /// multipath, if it is configured.
    #[serde(default)]
    pub multipath: Option<Multipath>,
    /// iSCSI: the initiator's name, and what is logged in to at boot.
    pub iscsi: Vec<Setting>,
    /// What is swapped to: `swap` of fstab, `unit` of systemd, `zram`.
    pub swap: Vec<Setting>,
    /// What is resumed from: kernel argument, `initramfs-tools`, dracut.
    pub resume: Vec<Setting>,
    /// Huge pages that are set aside: sysctl and kernel arguments.
    pub hugepages: Vec<Setting>,
    /// Further settings of sysctl that concern memory, the console, time or panics.
    pub sysctl: Vec<Setting>,
    /// What new boot entries are made from: `/etc/default/grub`, `/etc/kernel/cmdline`,
    /// `/etc/sysconfig/kernel`.
    pub boot_defaults: Vec<Setting>,
    /// udev rules of the guest's own that name or match storage.
    pub udev: Vec<Setting>,
}

/// kdump.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kdump {
    /// Settings of its file, in order: `path`, `ext4`, `raw`, `KDUMP_SAVEDIR`, `dracut_args`.
    pub settings: Vec<Setting>,
    /// The device that a dump goes to, as named; absent if it goes to the root.
    #[serde(default)]
    pub target: Option<Setting>,
    /// `crashkernel=` of the default entry.
    #[serde(default)]
    pub crashkernel: Option<Setting>,
}

/// LVM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lvm {
    /// `use_devicesfile`, if it is set.
    #[serde(default)]
    pub use_devices_file: Option<Setting>,
    /// The devices file, if it is there.
    #[serde(default)]
    pub devices_file: Option<Evidence>,
    /// The entries of the devices file.
    pub devices: Vec<LvmDevice>,
    /// `filter` and `global_filter`.
    pub filters: Vec<Setting>,
}

/// An entry of the devices file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LvmDevice {
    /// How the device is identified: `sys_wwid`, `sys_serial`, `mpath_uuid`, `devname`, `crypt_uuid`,
    /// `md_uuid`, ….
    pub id_type: String,
    /// The identity; LVM uses the device only where it fits.
    pub id_name: String,
    /// The name that the device had when it was last seen.
    #[serde(default)]
    pub device_name: Option<String>,
    /// The physical volume.
    #[serde(default)]
    pub pvid: Option<String>,
    /// The partition.
    #[serde(default)]
    pub partition: Option<u32>,
    /// Where it is written.
    pub at: Evidence,
}

/// A line of `/etc/crypttab`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CryptMapping {
    /// The name of the device that comes to be.
    pub name: String,
    /// The encrypted device, as named.
    pub device: String,
    /// Where the key comes from; `none`: it is asked for.
    pub key: String,
    /// Options.
    pub options: String,
    /// Where it is written.
    pub at: Evidence,
}

/// multipath.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Multipath {
    /// Settings of `multipath.conf` that decide which disks it takes and how they are called:
    /// `find_multipaths`, `user_friendly_names`, and all of `blacklist` and its exceptions, with
    /// the section before the name: `blacklist.devnode`.
    pub settings: Vec<Setting>,
    /// The disks that it has seen.
    pub wwids: Vec<Setting>,
    /// The names that it gave.
    pub bindings: Vec<Setting>,
}
