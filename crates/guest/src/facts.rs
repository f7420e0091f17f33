//! What was found in a guest: the documented result of `detente inspect`.

mod boot;
mod disk;
mod evidence;
mod initramfs;
mod kernels;
mod modprobe;
mod network;
mod packages;
mod secure_boot;
mod security;
mod services;
mod storage_config;
mod time;

use serde::{Deserialize, Serialize};

pub use boot::{
    Boot, BootCode, BootCodeKind, CsvEntry, DefaultEntry, DefaultReason, EfiProgram, Entry,
    EntryKind, InitramfsModules, Loader, LoaderSeen, RootDevice,
};
pub use disk::{
    Assembled, AssembledKind, DeviceId, DeviceName, Disk, LuksFacts, Place, SubvolumeFacts, Table,
    VolumeFacts, VolumeId,
};
pub use evidence::{Evidence, Setting};
pub use initramfs::{
    AddedCommandLine, Generator, InitramfsContents, InitramfsImage, InitramfsRole,
    InitramfsSegment, KnownBy, Scope,
};
pub use kernels::{DRIVERS, Driver, DriverState, Kernel, KernelKind, KnownDriver};
pub use modprobe::{
    Builder, BuilderSetting, ModuleArgument, ModuleLoad, ModuleRule, ModuleRuleKind, ModuleSettings,
};
pub use network::{
    Address, BindBy, Binding, Connection, LinkKind, Method, NameRule, NameRuleKind, Network,
    NetworkSystem, Protocol,
};
pub use packages::{Package, PackageDatabase, PackageKind, PackageState};
pub use secure_boot::{
    Authority, Certificate, ProgramRole, SbatEntry, SecureBoot, Signature, SignedProgram, Signer,
};
pub use security::{Apparmor, Security, Selinux, SelinuxMode};
pub use services::{CloudInit, Init, Login, Role, Service, ServiceState, Services};
pub use storage_config::{CryptMapping, Kdump, Lvm, LvmDevice, Multipath, StorageConfig};
pub use time::{HardwareClock, Time, TimeProgram, TimeSync};

/// The schema of [`Facts`] as JSON.
pub const SCHEMA: &str = "detente/guest-facts/1";

/// What is inside a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The disks, in the order in which they were given.
    pub disks: Vec<Disk>,
    /// Logical volumes and arrays, in the order in which they were assembled.
    #[serde(default)]
    pub assembled: Vec<Assembled>,
    /// The operating system.
    pub operating_system: OperatingSystem,
    /// The processor architecture, as the guest's own programs say: `x86-64`.
    pub architecture: String,
    /// `/etc/hostname`, if set.
    pub hostname: Option<String>,
    /// `/etc/machine-id`, if it has one: an image that is to be copied has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// What the disk is made to be started by.
    pub firmware: Firmware,
    /// The volume that becomes `/`.
    pub root: VolumeId,
    /// The subvolume of a btrfs that becomes `/`, as in `subvol=`; empty for the top level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_subvolume: Option<String>,
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
    /// Every initramfs file, for whatever kernel.
    #[serde(default)]
    pub initramfs_images: Vec<InitramfsImage>,
    /// modprobe's configuration, modules named at boot, and what makes initramfs files.
    #[serde(default)]
    pub module_settings: ModuleSettings,
    /// Who signed what starts the guest.
    #[serde(default)]
    pub secure_boot: SecureBoot,
    /// The network, as configured.
    #[serde(default)]
    pub network: Network,
    /// Time zone, hardware clock, synchronisation.
    #[serde(default)]
    pub time: Time,
    /// Services that matter to a move, agents, logins on terminals.
    #[serde(default)]
    pub services: Services,
    /// SELinux, AppArmor, FIPS.
    #[serde(default)]
    pub security: Security,
    /// Configuration that names storage, or depends on what the machine is like.
    #[serde(default)]
    pub storage: StorageConfig,
    /// Package databases, with the packages where asked for.
    #[serde(default)]
    pub packages: Vec<PackageDatabase>,
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
    /// Whose relative it is, whatever it calls itself.
    #[serde(default)]
    pub family: Family,
    /// `ID_LIKE`, word by word.
    #[serde(default)]
    pub id_like: Vec<String>,
    /// `VERSION_CODENAME`: `bookworm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codename: Option<String>,
    /// `VARIANT_ID`: `server`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_id: Option<String>,
    /// `CPE_NAME`, or the contents of `/etc/system-release-cpe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpe: Option<String>,
    /// The first lines of its other release files.
    #[serde(default)]
    pub releases: Vec<ReleaseFile>,
}

/// A release file: `/etc/redhat-release`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseFile {
    /// Its path.
    pub path: String,
    /// Its first line.
    pub line: String,
}

/// A family of distributions: those that set their systems up in the same way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Red Hat Enterprise Linux, its rebuilds, Fedora, Amazon Linux, openEuler, ….
    Rhel,
    /// Debian, Ubuntu and theirs.
    Debian,
    /// SLES and openSUSE.
    Suse,
    /// Arch and theirs.
    Arch,
    /// Alpine and theirs.
    Alpine,
    /// Flatcar, and Container Linux before it.
    Flatcar,
    /// Any other.
    #[default]
    Other,
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

/// A program that talks to a hypervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// What it is: `qemu-guest-agent`, `hyperv-daemons`.
    pub name: String,
    /// The files that were seen.
    pub files: Vec<String>,
}

/// A line of `/etc/fstab`, or what the kernel's command line mounts at `/usr`.
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
    /// The line of `/etc/fstab`, from 1; none for what the command line says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
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
