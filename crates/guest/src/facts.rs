//! What was found in a guest: the documented result of `detente inspect`.

mod boot;
mod disk;

use serde::{Deserialize, Serialize};

pub use boot::{
    Boot, DefaultEntry, DefaultReason, Entry, EntryKind, InitramfsModules, Loader, RootDevice,
};
pub use disk::{Disk, Place, Table, VolumeFacts, VolumeId};

/// The schema of [`Facts`] as JSON.
pub const SCHEMA: &str = "detente/guest-facts/1";

/// What is inside a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The disks, in the order in which they were given.
    pub disks: Vec<Disk>,
    /// The operating system.
    pub operating_system: OperatingSystem,
    /// The processor architecture, as the guest's own programs say: `x86-64`.
    pub architecture: String,
    /// `/etc/hostname`, if set.
    pub hostname: Option<String>,
    /// What the disk is made to be started by.
    pub firmware: Firmware,
    /// The volume that becomes `/`.
    pub root: VolumeId,
    /// The boot loader, its entries and the one that it would start.
    pub boot: Boot,
    /// Installed kernels, by release.
    pub kernels: Vec<Kernel>,
    /// Programs that talk to a hypervisor.
    pub agents: Vec<Agent>,
    /// `/etc/fstab`, as written.
    pub fstab: Vec<Mount>,
    /// Module names in the initramfs of the default entry, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initramfs: Option<InitramfsModules>,
    /// What keeps this guest from booting, or us from knowing how it boots.
    pub problems: Vec<Problem>,
    /// What was left out or worked around, a sentence each.
    pub notes: Vec<String>,
}

/// The operating system, as it calls itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatingSystem {
    /// `ID` of os-release: `debian`, `rhel`.
    pub id: String,
    /// `VERSION_ID`: `12`, `9.4`.
    pub version_id: Option<String>,
    /// `PRETTY_NAME`, for people.
    pub pretty_name: String,
    /// The file that says so.
    pub source: String,
}

/// What kind of firmware can start the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Firmware {
    /// An EFI system partition, and no BIOS boot code.
    Uefi,
    /// BIOS boot code, and no EFI system partition.
    Bios,
    /// Both.
    UefiAndBios,
    /// Neither was found: started directly, or not at all.
    Unknown,
}

/// An installed kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// The release: `6.1.0-28-amd64`.
    pub release: String,
    /// Its image, if one was found.
    pub image: Option<Place>,
    /// Whether `/lib/modules` has a folder for it.
    pub modules: bool,
}

/// A program that talks to a hypervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// What it is: `qemu-guest-agent`, `hyperv-daemons`.
    pub name: String,
    /// The files that were seen.
    pub files: Vec<String>,
}

/// A line of `/etc/fstab`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// The first field, as written.
    pub spec: String,
    /// Where it is mounted; `none` for swap.
    pub mount_point: String,
    /// File system type.
    pub kind: String,
    /// Options.
    pub options: String,
    /// The volume that it names, if it is there.
    pub volume: Option<VolumeId>,
}

/// Something that keeps the guest from booting, or us from telling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A stable name: `boot.kernel-missing`.
    pub id: String,
    /// Whether the guest is at fault, or we could not tell.
    pub verdict: Verdict,
    /// What is wrong, on what.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
}

/// What a problem means for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The guest would not boot.
    Bad,
    /// It may boot; we do not know how.
    CouldNotTell,
}
