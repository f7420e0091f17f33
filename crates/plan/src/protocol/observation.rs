//! What the agent saw. Numbers and names only: the judgement is the host's.

use serde::{Deserialize, Serialize};

use super::exercises::Exercised;
use super::plugged::{
    Card, DiskUsed, GuestClock, MemoryGrown, ProcessorsGrown, RecordsRead, Watchdog,
};
use super::prepare::{FileSeen, Removed, Spaces, Synced, ToolRun, Written};
use super::synthetic::{Hypervisor, KeyValues, Keys, Vmbus, Writes};

/// What one task saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "observation", rename_all = "kebab-case")]
pub enum Observation {
    /// How the boot ended.
    BootState(BootState),
    /// The kernel's log.
    KernelLog(KernelLog),
    /// Processors.
    Cpus(Cpus),
    /// Memory.
    Memory(Memory),
    /// The root disk.
    RootDisk(RootDisk),
    /// Link, address, name.
    Network(Network),
    /// Bytes over TCP.
    Transfer(Transfer),
    /// Clock sources.
    Clock(Clock),
    /// The entropy device.
    Entropy(Entropy),
    /// The console.
    ConsoleLine(ConsoleLine),
    /// The hypervisor.
    Hypervisor(Hypervisor),
    /// The synthetic bus.
    Vmbus(Vmbus),
    /// Key-value pairs.
    KeyValues(KeyValues),
    /// Writes while the file systems may be frozen.
    Writes(Writes),
    /// Keys.
    Keys(Keys),
    /// A file was written.
    Written(Written),
    /// A file was removed.
    Removed(Removed),
    /// What is in places.
    Files {
        /// In the order of the question.
        files: Vec<FileSeen>,
    },
    /// A program has run.
    ToolRun(ToolRun),
    /// File systems were synced.
    Synced(Synced),
    /// Room.
    Spaces(Spaces),
    /// A disk that was plugged in.
    DiskUsed(DiskUsed),
    /// A network card.
    Card(Card),
    /// Processors that were plugged in.
    ProcessorsGrown(ProcessorsGrown),
    /// Memory that was plugged in.
    MemoryGrown(MemoryGrown),
    /// The clocks.
    GuestClock(GuestClock),
    /// Numbered records.
    RecordsRead(RecordsRead),
    /// A watchdog.
    Watchdog(Watchdog),
    /// What came of an exercise.
    Exercised(Exercised),
}

/// How the boot ended, in the words of the guest's init.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootState {
    /// `/proc/1/comm`.
    pub init: String,
    /// systemd: `running`, `degraded`, `starting`, …; else `login-ready` or `unknown`.
    pub state: String,
    /// Units that failed, at most 50.
    pub failed_units: Vec<String>,
    /// `PRETTY_NAME` of the root's os-release.
    pub os: String,
    /// Whether SELinux holds the guest to a policy.
    pub selinux: Selinux,
    /// Since boot, when the state was seen.
    pub uptime_ms: u64,
}

/// What SELinux does in the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selinux {
    /// It is not there, or has no policy.
    Absent,
    /// It notes what the policy forbids.
    Permissive,
    /// It forbids what the policy forbids.
    Enforcing,
}

/// The kernel's log, filtered by level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelLog {
    /// The records, oldest first.
    pub records: Vec<KernelRecord>,
    /// How many records were looked at.
    pub seen: u64,
    /// Whether records were lost or left out for the output limit.
    pub truncated: bool,
}

/// One record of the kernel's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelRecord {
    /// Syslog level, 0 to 7.
    pub level: u8,
    /// Syslog facility; 0 is the kernel itself.
    pub facility: u8,
    /// Microseconds since boot.
    pub time_us: u64,
    /// The text.
    pub text: String,
}

/// Processors as the guest sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpus {
    /// Online processors.
    pub online: u32,
    /// Distinct packages.
    pub sockets: u32,
    /// Distinct cores of the first package.
    pub cores_per_socket: u32,
    /// Threads of the first core.
    pub threads_per_core: u32,
    /// Memory nodes.
    pub numa_nodes: u32,
    /// `model name`.
    pub model: String,
}

/// Memory as the guest sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// `MemTotal`, in bytes.
    pub total_bytes: u64,
    /// The sum of "System RAM" in `/proc/iomem`, in bytes; 0 where it is hidden.
    pub system_ram_bytes: u64,
    /// What is kept for a crash kernel, in bytes.
    pub crash_kernel_bytes: u64,
}

/// The root disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootDisk {
    /// The block device below the root file system, `vda`.
    pub disk: String,
    /// The root's file system type.
    pub filesystem: String,
    /// Drivers from the disk up to its controller, as sysfs names them but with `_` for `-`:
    /// `virtio_blk`, `virtio_pci`.
    pub drivers: Vec<String>,
    /// How much was written and read back.
    pub bytes: u64,
    /// SHA-256 of what was written, hex.
    pub written_sha256: String,
    /// SHA-256 of what came back, hex.
    pub read_sha256: String,
    /// Whether the reading went past the page cache (`O_DIRECT`).
    pub past_cache: bool,
    /// Time of writing and syncing.
    pub write_ms: u64,
    /// Time of reading.
    pub read_ms: u64,
}

/// Link, address, name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The interface with the card's address, empty if there is none.
    pub interface: String,
    /// Its driver.
    pub driver: String,
    /// `operstate`.
    pub operstate: String,
    /// IPv4 addresses that the guest's own set-up gave it, `10.0.2.15/24`.
    pub addresses: Vec<String>,
    /// Name servers of the guest.
    pub nameservers: Vec<String>,
    /// Echo requests sent.
    pub pings_sent: u32,
    /// Echo replies received.
    pub pings_received: u32,
    /// What the name server answered, if it did.
    pub name_answer: Option<[u8; 4]>,
}

/// Bytes over TCP and back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// How much was sent.
    pub sent_bytes: u64,
    /// SHA-256 of it, hex.
    pub sent_sha256: String,
    /// How much came back.
    pub received_bytes: u64,
    /// SHA-256 of it, hex.
    pub received_sha256: String,
    /// How long both took.
    pub elapsed_ms: u64,
}

/// Clock sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// What the kernel offers.
    pub available: Vec<String>,
    /// What it used at first.
    pub initial: String,
    /// Each source that was switched to.
    pub switches: Vec<ClockSwitch>,
    /// What it uses after all, which should be the first again.
    pub restored: String,
}

/// One switch of the clock source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSwitch {
    /// What was asked for.
    pub to: String,
    /// Whether the kernel took it.
    pub taken: bool,
    /// How far `CLOCK_MONOTONIC` went during a fixed number of TSC-independent sleeps, in ns.
    pub advanced_ns: u64,
    /// Whether it ever went backwards.
    pub backwards: bool,
}

/// The entropy device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entropy {
    /// `rng_current`, or `none`.
    pub current: String,
    /// `rng_available`.
    pub available: Vec<String>,
    /// How many bytes were read.
    pub bytes: u32,
    /// How many different byte values were among them.
    pub distinct: u32,
    /// How long it took.
    pub elapsed_ms: u64,
}

/// The console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleLine {
    /// Whether the line was written.
    pub written: bool,
    /// Who else has the port open (`agetty`), if anybody.
    pub held_by: Vec<String>,
}

/// What the agent saw in the initramfs, before the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitramfsSurvey {
    /// Names of the modules that lie in the initramfs, `_` for `-`, sorted.
    pub modules: Vec<String>,
    /// Names of the modules built into the kernel, sorted: as `modules.builtin` says, or where the
    /// guest has no initramfs of its own, as sysfs does before any module was loaded.
    pub builtin: Vec<String>,
    /// Names of the modules that are loaded.
    pub loaded: Vec<String>,
    /// Devices that no driver has taken.
    pub orphans: Vec<OrphanDevice>,
    /// Block devices that exist.
    pub block_devices: Vec<String>,
    /// `root=` of the command line.
    pub root: String,
    /// Since boot.
    pub uptime_ms: u64,
    /// Whether lists were cut for length.
    pub truncated: bool,
    /// Whether the guest has no initramfs of its own, so that nothing but the kernel itself can
    /// find the root.
    #[serde(default)]
    pub kernel_only: bool,
}

/// A device that no driver has taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrphanDevice {
    /// Its place in sysfs, `pci0000:00/0000:00:02.0`.
    pub path: String,
    /// `pci`, `virtio`, `vmbus`, ….
    pub bus: String,
    /// Its modalias.
    pub modalias: String,
    /// Modules of the initramfs whose aliases match, if any.
    pub candidates: Vec<String>,
}
