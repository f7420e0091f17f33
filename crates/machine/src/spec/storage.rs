//! Controllers, disks and drives.

use serde::{Deserialize, Serialize};

use super::Extensions;

/// How a disk reaches the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bus {
    /// virtio-blk: each disk is a device of its own.
    Virtio,
    /// SCSI.
    Scsi,
    /// SATA.
    Sata,
    /// IDE.
    Ide,
    /// NVMe.
    Nvme,
    /// USB.
    Usb,
    /// The controller of floppy disks.
    Floppy,
}

/// A controller that disks are on. One that a disk names and that is not listed is of the
/// platform's usual kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controller {
    /// Its bus.
    pub bus: Bus,
    /// Its number among those of its bus.
    pub index: u32,
    /// What it is.
    pub model: ControllerModel,
    /// What a source says beyond.
    #[serde(default, skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

/// What a controller is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum ControllerModel {
    /// What the platform takes unless told otherwise.
    PlatformDefault,
    /// virtio-scsi.
    VirtioScsi,
    /// Hyper-V's synthetic SCSI controller.
    Synthetic,
    /// Another, by its name on the platform that it comes from.
    Other(String),
}

/// A disk, or a drive for media that can be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// What kind of drive it is.
    #[serde(default)]
    pub device: DiskDevice,
    /// How it reaches the guest.
    pub bus: Bus,
    /// Its place on its bus. Without one it follows those before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// Where its bytes are; `None` for an empty drive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<DiskSource>,
    /// How large the guest's disk is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// The sectors that the guest sees, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sectors: Option<Sectors>,
    /// Its rank among what the machine is started from: 1 is first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_order: Option<u32>,
    /// The serial number that the guest sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The World Wide Name that the guest sees: 16 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wwn: Option<String>,
    /// Whether it can be written.
    #[serde(default)]
    pub access: DiskAccess,
    /// What a source says beyond.
    #[serde(default, skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

impl Disk {
    /// A disk on a bus with its bytes in a file.
    #[must_use]
    pub fn file(bus: Bus, path: &str, format: DiskFormat) -> Self {
        Self {
            device: DiskDevice::Disk,
            bus,
            slot: None,
            source: Some(DiskSource::File {
                path: path.to_owned(),
                format,
            }),
            size_bytes: None,
            sectors: None,
            boot_order: None,
            serial: None,
            wwn: None,
            access: DiskAccess::default(),
            extensions: Extensions::default(),
        }
    }
}

/// What kind of drive something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskDevice {
    /// A disk.
    #[default]
    Disk,
    /// A drive for CD and DVD.
    Cdrom,
    /// A drive for floppy disks.
    Floppy,
}

/// Who may write to a disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskAccess {
    /// This machine.
    #[default]
    ReadWrite,
    /// Nobody.
    ReadOnly,
    /// This machine and others at the same time.
    Shared,
}

/// A place on a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// The controller's number among those of its bus. For IDE: the channel.
    pub controller: u32,
    /// The place on it.
    pub location: u32,
}

/// The sectors that a guest sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sectors {
    /// What it may ask for.
    pub logical_bytes: u32,
    /// What it had better ask for.
    pub physical_bytes: u32,
}

/// Where a disk's bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DiskSource {
    /// In a file.
    File {
        /// Where it is, as its host writes it.
        path: String,
        /// Its format.
        format: DiskFormat,
    },
    /// On a block device of the host.
    Block {
        /// Where it is.
        path: String,
        /// What is on it.
        format: DiskFormat,
    },
    /// A volume of a storage pool of libvirt's.
    Volume {
        /// The pool.
        pool: String,
        /// The volume in it.
        volume: String,
        /// Its format.
        format: DiskFormat,
    },
    /// A claim for a persistent volume of Kubernetes.
    Claim {
        /// Its name in the machine's namespace.
        name: String,
    },
    /// Over a network; how stands in the disk's extensions.
    Network {
        /// The protocol: `rbd`, `nbd`, `iscsi`, ….
        protocol: String,
        /// What is asked for there.
        name: String,
        /// Its format.
        format: DiskFormat,
    },
    /// A disk of the host, passed through (Hyper-V).
    HostDisk {
        /// Its number or name there.
        name: String,
    },
}

/// The format of an image file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskFormat {
    /// Raw.
    Raw,
    /// qcow2.
    Qcow2,
    /// VHD.
    Vhd,
    /// VHDX.
    Vhdx,
    /// VMDK.
    Vmdk,
    /// Another, by the name that its source gives it.
    Other(String),
}

impl DiskFormat {
    /// The name that QEMU and libvirt give it.
    #[must_use]
    pub fn qemu_name(&self) -> &str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vhd => "vpc",
            Self::Vhdx => "vhdx",
            Self::Vmdk => "vmdk",
            Self::Other(name) => name,
        }
    }

    /// The format that QEMU and libvirt give this name.
    #[must_use]
    pub fn from_qemu_name(name: &str) -> Self {
        match name {
            "raw" => Self::Raw,
            "qcow2" => Self::Qcow2,
            "vpc" => Self::Vhd,
            "vhdx" => Self::Vhdx,
            "vmdk" => Self::Vmdk,
            other => Self::Other(other.to_owned()),
        }
    }
}
