//! The boot loader, its entries, and the one that it would start.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Place, VolumeId};

/// The boot loader and what it offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// Which one.
    pub loader: Loader,
    /// The configuration that it reads.
    pub config: Option<Place>,
    /// What it offers, in the order of its menu.
    pub entries: Vec<Entry>,
    /// What it would start by itself.
    pub default: Option<DefaultEntry>,
    /// Every boot loader whose configuration is there, the one above among them.
    #[serde(default)]
    pub loaders: Vec<LoaderSeen>,
    /// The programs on EFI system partitions.
    #[serde(default)]
    pub efi_programs: Vec<EfiProgram>,
    /// The boot entries that shim's fallback would write (`BOOTX64.CSV`).
    #[serde(default)]
    pub efi_csv: Vec<CsvEntry>,
    /// What a BIOS would start, by disk.
    #[serde(default)]
    pub bios_code: Vec<BootCode>,
}

/// A boot loader whose configuration is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoaderSeen {
    /// Its name: `GRUB 2`, `GRUB Legacy`, `syslinux`, ….
    pub name: String,
    /// The file that shows it.
    pub evidence: Place,
}

/// A program on an EFI system partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EfiProgram {
    /// Where it is, as it is spelled on the volume: `/EFI/debian/shimx64.efi`.
    pub place: Place,
    /// How long it is.
    pub len_bytes: u64,
    /// Whether the firmware starts it on a disk that it does not know (`\\EFI\\BOOT\\BOOTX64.EFI`).
    pub fallback: bool,
}

/// A line of a `BOOTX64.CSV`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvEntry {
    /// The file.
    pub place: Place,
    /// The program, in the folder of that file.
    pub program: String,
    /// What the firmware's menu would show.
    pub label: String,
}

/// What a BIOS finds in a disk's first sector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootCode {
    /// The disk, from 0.
    pub disk: usize,
    /// Whose code it is.
    pub kind: BootCodeKind,
    /// The partition that is marked active, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_partition: Option<u32>,
}

/// Whose boot code a disk has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootCodeKind {
    /// No code at all.
    None,
    /// GRUB 2's or GRUB Legacy's first stage.
    Grub,
    /// syslinux's `mbr.bin` or `gptmbr.bin`: it starts the active partition.
    Syslinux,
    /// LILO's.
    Lilo,
    /// Windows'.
    Windows,
    /// Code that is not known: a plain one starts the active partition.
    Unknown,
}

/// A boot loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loader {
    /// GRUB 2.
    Grub2,
    /// systemd-boot.
    SystemdBoot,
    /// The firmware starts a unified kernel image.
    Uki,
    /// GRUB before version 1: RHEL 6, SLES 11.
    GrubLegacy,
    /// syslinux, extlinux, isolinux: Alpine.
    Syslinux,
    /// None that we read.
    Unknown,
}

/// An entry of a boot menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// How the loader's settings name it: `gnulinux-simple-…`, `linux-6.1.conf`, `1>2`.
    pub id: String,
    /// What its menu shows; the parts of a submenu are joined with ` > `.
    pub title: String,
    /// What it starts.
    #[serde(flatten)]
    pub kind: EntryKind,
}

/// What an entry starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum EntryKind {
    /// A Linux kernel.
    Linux {
        /// The kernel's path, as the entry spells it.
        kernel: String,
        /// The paths of its initramfs files, as the entry spells them.
        initramfs: Vec<String>,
        /// The command line.
        command_line: String,
    },
    /// A unified kernel image.
    Uki {
        /// The image's path.
        image: String,
    },
    /// Something else: `chainloader`, `multiboot2`, nothing at all.
    Other {
        /// The command that starts it.
        what: String,
    },
}

/// The entry that the loader would start by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultEntry {
    /// Its index in [`Boot::entries`].
    pub index: usize,
    /// Why this one.
    pub why: DefaultReason,
    /// The kernel image, where it is there.
    pub kernel: Option<Place>,
    /// The release that the kernel image names.
    pub kernel_release: Option<String>,
    /// The initramfs files, in loading order.
    pub initramfs: Vec<Place>,
    /// The command line.
    pub command_line: Option<String>,
    /// The root device that the command line names.
    pub root: Option<RootDevice>,
}

/// A root device on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootDevice {
    /// As the command line spells it.
    pub spec: String,
    /// The volume that it names, if it is there.
    pub volume: Option<VolumeId>,
}

/// Why an entry is the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum DefaultReason {
    /// `next_entry` in grubenv: for one boot only.
    NextEntry {
        /// Its value.
        value: String,
    },
    /// `saved_entry` in grubenv.
    SavedEntry {
        /// Its value.
        value: String,
    },
    /// The configuration sets it.
    Configured {
        /// What it is set to.
        value: String,
    },
    /// The configuration names an entry that does not exist; the first one is started.
    NoSuchEntry {
        /// What it is set to.
        value: String,
    },
    /// Nothing is set: the first entry of the menu.
    First,
    /// `default` of loader.conf matches it.
    Pattern {
        /// The pattern.
        value: String,
    },
    /// It sorts first by the Boot Loader Specification.
    SortsFirst,
    /// The firmware finds it at the path for removable disks.
    FallbackPath,
    /// Flatcar's GRUB takes the partition with the highest priority (`gptprio.next`).
    PartitionPriority {
        /// That partition's name.
        value: String,
    },
}

impl fmt::Display for DefaultReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NextEntry { value } => write!(f, "grubenv has next_entry={value}, for one boot"),
            Self::SavedEntry { value } => write!(f, "grubenv has saved_entry={value}"),
            Self::Configured { value } => write!(f, "the configuration sets default={value}"),
            Self::NoSuchEntry { value } => {
                write!(f, "the first one, since default={value} names no entry")
            }
            Self::First => f.write_str("the first one, since no default is set"),
            Self::Pattern { value } => write!(f, "loader.conf has default {value}"),
            Self::SortsFirst => f.write_str("it sorts first by the Boot Loader Specification"),
            Self::FallbackPath => f.write_str("it is at the firmware's fallback path"),
            Self::PartitionPriority { value } => {
                write!(f, "{value} has the highest priority in the partition table")
            }
        }
    }
}

/// What the initramfs of the default entry holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitramfsModules {
    /// Module names with `_` for `-`, sorted, each once.
    pub modules: Vec<String>,
    /// How many files and folders it has.
    pub entries: u64,
}
