//! Installed kernels, and the drivers that each of them has.

use serde::{Deserialize, Serialize};

use super::{Evidence, Place};

/// An installed kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// The release: `6.1.0-28-amd64`.
    pub release: String,
    /// Its image, if one was found.
    pub image: Option<Place>,
    /// Whether `/lib/modules` has a folder for it.
    pub modules: bool,
    /// What it is for.
    #[serde(default)]
    pub kind: KernelKind,
    /// The release in the header of its image, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_release: Option<String>,
    /// The folder of its modules in the running guest: `/usr/lib/modules/6.1.0-28-amd64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modules_folder: Option<String>,
    /// The file with its configuration, such as `/boot/config-6.1.0-28-amd64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The entries of the boot menu that start it, as indices into `boot.entries`.
    #[serde(default)]
    pub entries: Vec<usize>,
    /// The drivers that matter for a move ([`DRIVERS`]), in that order.
    #[serde(default)]
    pub drivers: Vec<Driver>,
}

impl Kernel {
    /// What is known of a driver; names with `-` and `_` are the same.
    #[must_use]
    pub fn driver(&self, name: &str) -> DriverState {
        let name = name.replace('-', "_");
        let found = self.drivers.iter().find(|driver| driver.name == name);
        found.map_or(DriverState::Unknown, |driver| driver.state.clone())
    }
}

/// What a kernel is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KernelKind {
    /// To run the machine.
    #[default]
    Ordinary,
    /// Built for finding faults: `+debug`, `-debug`.
    Debug,
    /// For Xen's paravirtual machines only: `-xen`, `xen-pae`.
    Xen,
    /// A copy for emergencies: `vmlinuz-0-rescue-…`.
    Rescue,
    /// To write a dump after a crash: `-kdump`.
    Kdump,
    /// With real-time patches: `+rt`, `-rt-amd64`.
    RealTime,
}

/// A driver of a kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Driver {
    /// Its name as a module, with `_` for `-`: `hv_storvsc`.
    pub name: String,
    /// How the kernel has it.
    #[serde(flatten)]
    pub state: DriverState,
}

/// How a kernel has a driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum DriverState {
    /// In the image itself.
    Builtin {
        /// What says so: `modules.builtin`, or a line `CONFIG_…=y`.
        at: Evidence,
    },
    /// As a file.
    Module {
        /// Its path in the folder of modules: `kernel/drivers/scsi/hv_storvsc.ko.xz`.
        path: String,
        /// What says so: `modules.dep`, or the folder itself.
        at: Evidence,
    },
    /// Not at all: neither in `modules.builtin` nor in `modules.dep` nor in its configuration.
    Missing {
        /// The files that were looked into.
        searched: Vec<String>,
    },
    /// Nothing says anything: the kernel has no folder of modules and no configuration.
    Unknown,
}

impl DriverState {
    /// Whether the kernel has it, in whatever form.
    #[must_use]
    pub fn is_there(&self) -> bool {
        matches!(self, Self::Builtin { .. } | Self::Module { .. })
    }
}

/// A driver that matters for a move between hypervisors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownDriver {
    /// Its name as a module.
    pub name: &'static str,
    /// The kernel's setting that builds it; empty where none does so alone.
    pub config: &'static str,
}

const fn known(name: &'static str, config: &'static str) -> KnownDriver {
    KnownDriver { name, config }
}

/// The drivers that are looked for in each kernel.
///
/// The settings are those of Linux's own Kconfig files; drivers that changed their name or module
/// stand here under each name.
pub const DRIVERS: &[KnownDriver] = &[
    // Hyper-V: the bus, disks, network, time and shutdown, memory, keyboard, mouse, screen, PCI.
    known("hv_vmbus", "CONFIG_HYPERV"),
    known("hv_storvsc", "CONFIG_HYPERV_STORAGE"),
    known("hv_netvsc", "CONFIG_HYPERV_NET"),
    known("hv_utils", "CONFIG_HYPERV_UTILS"),
    known("hv_balloon", "CONFIG_HYPERV_BALLOON"),
    known("hv_sock", "CONFIG_HYPERV_VSOCKETS"),
    known("hyperv_keyboard", "CONFIG_HYPERV_KEYBOARD"),
    known("hid_hyperv", "CONFIG_HID_HYPERV_MOUSE"),
    known("hyperv_fb", "CONFIG_FB_HYPERV"),
    known("hyperv_drm", "CONFIG_DRM_HYPERV"),
    known("pci_hyperv", "CONFIG_PCI_HYPERV"),
    known("pci_hyperv_intf", "CONFIG_PCI_HYPERV_INTERFACE"),
    known("mana", "CONFIG_MICROSOFT_MANA"),
    // virtio.
    known("virtio", "CONFIG_VIRTIO"),
    known("virtio_ring", "CONFIG_VIRTIO"),
    known("virtio_pci", "CONFIG_VIRTIO_PCI"),
    known("virtio_mmio", "CONFIG_VIRTIO_MMIO"),
    known("virtio_blk", "CONFIG_VIRTIO_BLK"),
    known("virtio_scsi", "CONFIG_SCSI_VIRTIO"),
    known("virtio_net", "CONFIG_VIRTIO_NET"),
    known("virtio_console", "CONFIG_VIRTIO_CONSOLE"),
    known("virtio_balloon", "CONFIG_VIRTIO_BALLOON"),
    known("virtio_rng", "CONFIG_HW_RANDOM_VIRTIO"),
    known("virtio_gpu", "CONFIG_DRM_VIRTIO_GPU"),
    known("virtio_input", "CONFIG_VIRTIO_INPUT"),
    known("virtiofs", "CONFIG_VIRTIO_FS"),
    known("9pnet_virtio", "CONFIG_NET_9P_VIRTIO"),
    known("vmw_vsock_virtio_transport", "CONFIG_VIRTIO_VSOCKETS"),
    known("ptp_kvm", "CONFIG_PTP_1588_CLOCK_KVM"),
    known("i6300esb", "CONFIG_I6300ESB_WDT"),
    // What both emulate: disks, network cards, screens, keyboards.
    known("ahci", "CONFIG_SATA_AHCI"),
    known("ata_piix", "CONFIG_ATA_PIIX"),
    known("ata_generic", "CONFIG_ATA_GENERIC"),
    known("sd_mod", "CONFIG_BLK_DEV_SD"),
    known("sr_mod", "CONFIG_BLK_DEV_SR"),
    known("scsi_mod", "CONFIG_SCSI"),
    known("scsi_transport_fc", "CONFIG_SCSI_FC_ATTRS"),
    known("nvme", "CONFIG_BLK_DEV_NVME"),
    known("mptspi", "CONFIG_FUSION_SPI"),
    known("mptsas", "CONFIG_FUSION_SAS"),
    known("mpt3sas", "CONFIG_SCSI_MPT3SAS"),
    known("megaraid_sas", "CONFIG_MEGARAID_SAS"),
    known("sym53c8xx", "CONFIG_SCSI_SYM53C8XX_2"),
    known("vmw_pvscsi", "CONFIG_VMWARE_PVSCSI"),
    known("vmxnet3", "CONFIG_VMXNET3"),
    known("xen_blkfront", "CONFIG_XEN_BLKDEV_FRONTEND"),
    known("xen_netfront", "CONFIG_XEN_NETDEV_FRONTEND"),
    known("e1000", "CONFIG_E1000"),
    known("e1000e", "CONFIG_E1000E"),
    known("igb", "CONFIG_IGB"),
    known("8139cp", "CONFIG_8139CP"),
    known("tulip", "CONFIG_TULIP"),
    known("mlx4_core", "CONFIG_MLX4_CORE"),
    known("mlx5_core", "CONFIG_MLX5_CORE"),
    known("bochs", "CONFIG_DRM_BOCHS"),
    known("bochs_drm", "CONFIG_DRM_BOCHS"),
    known("cirrus", "CONFIG_DRM_CIRRUS_QEMU"),
    known("qxl", "CONFIG_DRM_QXL"),
    known("efifb", "CONFIG_FB_EFI"),
    known("simpledrm", "CONFIG_DRM_SIMPLEDRM"),
    known("usbhid", "CONFIG_USB_HID"),
    known("hid_generic", "CONFIG_HID_GENERIC"),
    known("xhci_pci", "CONFIG_USB_XHCI_PCI"),
    known("ehci_pci", "CONFIG_USB_EHCI_PCI"),
    known("uhci_hcd", "CONFIG_USB_UHCI_HCD"),
    known("i8042", "CONFIG_SERIO_I8042"),
    known("atkbd", "CONFIG_KEYBOARD_ATKBD"),
    known("psmouse", "CONFIG_MOUSE_PS2"),
    known("8250", "CONFIG_SERIAL_8250"),
    // What a root stands on.
    known("ext4", "CONFIG_EXT4_FS"),
    known("ext3", "CONFIG_EXT3_FS"),
    known("xfs", "CONFIG_XFS_FS"),
    known("btrfs", "CONFIG_BTRFS_FS"),
    known("vfat", "CONFIG_VFAT_FS"),
    known("fat", "CONFIG_FAT_FS"),
    known("isofs", "CONFIG_ISO9660_FS"),
    known("squashfs", "CONFIG_SQUASHFS"),
    known("erofs", "CONFIG_EROFS_FS"),
    known("overlay", "CONFIG_OVERLAY_FS"),
    known("nls_cp437", "CONFIG_NLS_CODEPAGE_437"),
    known("nls_iso8859_1", "CONFIG_NLS_ISO8859_1"),
    known("nls_ascii", "CONFIG_NLS_ASCII"),
    known("dm_mod", "CONFIG_BLK_DEV_DM"),
    known("dm_crypt", "CONFIG_DM_CRYPT"),
    known("dm_thin_pool", "CONFIG_DM_THIN_PROVISIONING"),
    known("dm_cache", "CONFIG_DM_CACHE"),
    known("dm_mirror", "CONFIG_DM_MIRROR"),
    known("dm_raid", "CONFIG_DM_RAID"),
    known("dm_multipath", "CONFIG_DM_MULTIPATH"),
    known("dm_verity", "CONFIG_DM_VERITY"),
    known("raid0", "CONFIG_MD_RAID0"),
    known("raid1", "CONFIG_MD_RAID1"),
    known("raid10", "CONFIG_MD_RAID10"),
    known("raid456", "CONFIG_MD_RAID456"),
    known("linear", "CONFIG_MD_LINEAR"),
    known("bcache", "CONFIG_BCACHE"),
];
