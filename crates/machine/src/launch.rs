//! The description of one machine, whatever host runs it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::Profile;
use crate::extras::Extras;
use crate::hyperv::IntegrationConfig;

/// A machine to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchSpec {
    /// A name for messages and process lists.
    pub name: String,
    /// The hardware that the guest meets.
    pub profile: Profile,
    /// Processors.
    pub topology: Topology,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Disks, the boot disk first.
    pub disks: Vec<LaunchDisk>,
    /// Kernel, initramfs and command line.
    pub boot: DirectBoot,
    /// The network card and what answers it.
    pub network: LaunchNetwork,
    /// Whether there is an entropy device (the profile's, unless a fault takes it away).
    pub entropy: bool,
    /// Whether what we type reaches the first serial port.
    pub console_input: bool,
    /// Whether the processor says that there is a hypervisor (a fault says no).
    pub hypervisor_bit: bool,
    /// What only the Hyper-V-compatible machine shows.
    pub synthetic: Synthetic,
    /// What single cases want beside the profile's own hardware.
    pub extras: Extras,
}

impl LaunchSpec {
    /// The machine's UUID: [`uuid`] of its name and its card's address.
    #[must_use]
    pub fn uuid(&self) -> String {
        uuid(&self.name, self.network.mac)
    }
}

/// The UUID of a machine. The same machine has the same one: version 8 of RFC 9562, of a digest.
#[must_use]
pub fn uuid(name: &str, mac: [u8; 6]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"detente machine\0");
    hasher.update(name.as_bytes());
    hasher.update(mac);
    let digest = hasher.finalize();
    let mut text = String::new();
    for (byte, at) in digest.iter().take(16).zip(0_u8..) {
        let byte = match at {
            6 => byte & 0x0f | 0x80,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
}

/// What the Hyper-V-compatible machine shows beside disks and network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Synthetic {
    /// The integration services that are offered.
    pub integration: IntegrationConfig,
    /// Whether a keyboard is offered.
    pub keyboard: bool,
    /// Whether the guest is told that there are crash registers.
    pub crash_registers: bool,
    /// When the machine's process is killed where it runs, in a lab (a fault): so long after its
    /// start.
    pub killed_after: Option<Duration>,
    /// What its services do not do as they say.
    pub service_faults: ServiceFaults,
}

/// What integration services do not do as they say: faults that the guest cannot see, so that it
/// boots as it always does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceFaults {
    /// The guest is asked to keep another value than was wanted.
    pub spoil_values: bool,
    /// Freezing and thawing are said to be done, and the guest is not asked.
    pub pretend_freezing: bool,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self {
            integration: IntegrationConfig::default(),
            keyboard: true,
            crash_registers: true,
            killed_after: None,
            service_faults: ServiceFaults::default(),
        }
    }
}

/// How processors are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Topology {
    /// Sockets.
    pub sockets: u32,
    /// Cores of a socket.
    pub cores: u32,
    /// Threads of a core.
    pub threads: u32,
}

impl Topology {
    /// All processors.
    #[must_use]
    pub fn count(self) -> u32 {
        self.sockets
            .saturating_mul(self.cores)
            .saturating_mul(self.threads)
    }
}

/// A disk: a source that is only read, below a throw-away overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchDisk {
    /// The qcow2 overlay that takes every write.
    pub overlay: PathBuf,
    /// What lies below it.
    pub below: DiskBelow,
    /// How it is attached (the profile's, unless a fault changes it).
    pub bus: DiskBus,
    /// The serial number that the guest sees.
    pub serial: String,
}

/// What lies below a disk's overlay; it is only read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskBelow {
    /// Files that QEMU reads by itself, the top one first. It opens no other.
    Files(Vec<DiskFile>),
    /// The guest's view of files that QEMU misreads or does not read, from whoever reads them.
    Nbd {
        /// A Unix socket where it is served over NBD for as long as the machine may run.
        socket: PathBuf,
        /// The files, the top one first, for a machine that reads them by itself.
        files: Vec<PathBuf>,
    },
}

impl DiskBelow {
    /// The files that it rests on, the top one first.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let (read_by_qemu, served) = match self {
            Self::Files(files) => (files.as_slice(), [].as_slice()),
            Self::Nbd { files, .. } => ([].as_slice(), files.as_slice()),
        };
        let read_by_qemu = read_by_qemu.iter().map(|file| file.path.as_path());
        read_by_qemu.chain(served.iter().map(PathBuf::as_path))
    }
}

/// One file of a disk's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its format; QEMU never guesses.
    pub format: ImageFormat,
}

/// A format that QEMU is told. It reads others too, but not each of them as it should (differencing
/// VHDX and VHD lose their parent): those come by [`DiskBelow::Nbd`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageFormat {
    /// Raw.
    Raw,
    /// qcow2.
    Qcow2,
}

/// How a disk is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskBus {
    /// virtio-blk on PCI Express.
    Virtio,
    /// The q35 SATA controller.
    Sata,
    /// NVMe on PCI Express, which no profile has: a fault attaches disks so.
    Nvme,
    /// The synthetic SCSI controller of our own machine; QEMU has none.
    Vmbus,
}

/// Direct boot, without firmware's boot loader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectBoot {
    /// A file with the kernel.
    pub kernel: PathBuf,
    /// A file with the initramfs, our archive already appended.
    pub initramfs: PathBuf,
    /// The command line.
    pub cmdline: String,
}

/// The network card, and how the service behind it behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchNetwork {
    /// The card's hardware address.
    pub mac: [u8; 6],
    /// Whether DHCP requests are answered (a fault says no).
    pub dhcp: bool,
    /// Whether the transfer service flips one bit (a fault says yes).
    pub spoil_transfer: bool,
}
