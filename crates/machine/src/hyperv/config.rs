//! The machine that the process is to be.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ImageFormat;

/// A machine, as its process is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineConfig {
    /// [`MachineConfig::SCHEMA`].
    pub schema: String,
    /// A name for messages and SMBIOS.
    pub name: String,
    /// The machine's UUID, as SMBIOS tells the guest.
    pub uuid: String,
    /// Which release of Hyper-V the CPUID leaves resemble.
    pub cpuid: CpuidProfile,
    /// The highest version of the bus that is accepted.
    pub vmbus: VmbusVersion,
    /// Virtual processors.
    pub processors: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// The kernel.
    pub kernel: FileSpan,
    /// The initramfs.
    pub initramfs: FileSpan,
    /// The command line.
    pub cmdline: String,
    /// Disks, the boot disk first.
    pub disks: Vec<DiskConfig>,
    /// The network card.
    pub network: Option<NetworkConfig>,
    /// The integration services that are offered.
    pub integration: IntegrationConfig,
    /// Whether a keyboard is offered.
    pub keyboard: bool,
    /// Whether the guest is told that there are crash registers.
    pub crash_registers: bool,
    /// Whether processor state that QEMU's translator cannot show truly (XSAVE and what needs it)
    /// is hidden: in the lab only.
    pub hide_xsave: bool,
}

impl MachineConfig {
    /// The name of the document.
    pub const SCHEMA: &str = "detente/hyperv-machine/1";
}

/// A release whose CPUID leaves the machine's resemble.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CpuidProfile {
    /// Windows Server 2016.
    Ws2016,
    /// Windows Server 2019.
    Ws2019,
    /// Windows Server 2022.
    #[default]
    Ws2022,
    /// Windows Server 2025.
    Ws2025,
}

impl CpuidProfile {
    /// Every profile, oldest first.
    pub const ALL: [Self; 4] = [Self::Ws2016, Self::Ws2019, Self::Ws2022, Self::Ws2025];

    /// The name on the command line and in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ws2016 => "ws2016",
            Self::Ws2019 => "ws2019",
            Self::Ws2022 => "ws2022",
            Self::Ws2025 => "ws2025",
        }
    }
}

/// A version of the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VmbusVersion {
    /// Before the point.
    pub major: u16,
    /// Behind it.
    pub minor: u16,
}

impl VmbusVersion {
    /// The newest that the machine speaks.
    pub const NEWEST: Self = Self { major: 5, minor: 3 };
}

impl fmt::Display for VmbusVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for VmbusVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no version of the bus, such as 5.3");
        let (major, minor) = text.split_once('.').ok_or_else(wrong)?;
        Ok(Self {
            major: major.parse().map_err(|_| wrong())?,
            minor: minor.parse().map_err(|_| wrong())?,
        })
    }
}

impl TryFrom<String> for VmbusVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<VmbusVersion> for String {
    fn from(version: VmbusVersion) -> Self {
        version.to_string()
    }
}

/// Bytes of a file: in the lab, kernel and initramfs lie one behind the other on one disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpan {
    /// The file, or block device.
    pub path: PathBuf,
    /// Where the bytes start.
    pub offset_bytes: u64,
    /// How many there are.
    pub len_bytes: u64,
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskConfig {
    /// The image or block device. With `overlay` it is opened read-only, with every file that it
    /// rests on; without, it is raw and written to.
    pub path: PathBuf,
    /// A file that takes every write.
    pub overlay: Option<PathBuf>,
    /// The image's format, where the host knows it; else the machine looks. What it rests on is of
    /// the format that the image states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<ImageFormat>,
    /// The files that the image rests on. It opens no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<PathBuf>,
    /// What it hangs on.
    pub controller: Controller,
    /// Its number there.
    pub lun: u8,
    /// The serial number that the guest sees.
    pub serial: String,
    /// Bytes of a logical sector: 512 or 4096.
    pub sector_bytes: u32,
    /// Whether the guest may not write.
    pub read_only: bool,
}

/// What a disk hangs on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Controller {
    /// The synthetic SCSI controller.
    #[default]
    Scsi,
    /// An IDE-class channel of its own, as generation 1 has for its boot disk.
    Ide,
}

/// The network card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// Its hardware address.
    pub mac: [u8; 6],
}

/// The integration services that are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each service is offered or not"
)]
pub struct IntegrationConfig {
    /// Heartbeat.
    pub heartbeat: bool,
    /// Shutdown.
    pub shutdown: bool,
    /// Time synchronization.
    pub time_sync: bool,
    /// Key-value pair exchange.
    pub kvp: bool,
    /// Volume shadow copy: freeze and thaw.
    pub vss: bool,
}

impl Default for IntegrationConfig {
    fn default() -> Self {
        Self {
            heartbeat: true,
            shutdown: true,
            time_sync: true,
            kvp: true,
            vss: true,
        }
    }
}
