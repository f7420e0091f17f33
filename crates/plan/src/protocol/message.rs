//! The messages, in both directions.

use serde::{Deserialize, Serialize};

use super::exercises::Exercise;
use super::observation::{InitramfsSurvey, Observation};
use super::plugged::{AwaitCard, UseDisk};
use super::prepare::{GuestPath, RemoveFile, RunTool, WriteFile};
use super::root::RootMount;

/// The version of this protocol; both sides must say the same. 2 added what changes a guest: an
/// agent of before would not understand those orders, and say nothing.
pub const PROTOCOL: u16 = 2;

/// What the agent finds beside itself in the initramfs (`/.detente/order.json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// [`PROTOCOL`].
    pub protocol: u16,
    /// The run that this agent belongs to; it obeys no other.
    pub run_id: String,
    /// The digest of the plan, as hex; it obeys no other.
    pub plan_digest: String,
    /// The init that the guest would have run, usually `/init`.
    pub original_init: String,
    /// What the agent mounts before it goes on to the guest's init, where there is no initramfs of
    /// the guest's own that would do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<RootMount>,
    /// Modules that process 1 loads before it becomes the guest's init, in this order: the names of
    /// files in `/.detente/modules`, without their ending `.ko`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
}

/// What carries the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// The second serial port.
    Serial,
    /// A virtio-serial port named `org.detente.agent.0`.
    VirtioPort,
}

/// Where the agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The guest is still in its initramfs.
    Initramfs,
    /// The real root is there and its init runs.
    Root,
    /// The agent has let go of everything and waits for the power to go off.
    Leaving,
}

/// Agent to host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "kebab-case")]
pub enum AgentMessage {
    /// First on every channel.
    Hello {
        /// [`PROTOCOL`].
        protocol: u16,
        /// From the order.
        run_id: String,
        /// From the order.
        plan_digest: String,
        /// SHA-256 of the agent's own file, as hex.
        agent_sha256: String,
        /// `uname -r`.
        kernel_release: String,
    },
    /// The agent is alive; sent every second or so.
    Heartbeat {
        /// Counts up from 0.
        sequence: u64,
        /// Where the agent is.
        phase: Phase,
        /// Since boot.
        uptime_ms: u64,
    },
    /// The agent went over to another phase.
    PhaseChanged {
        /// The new one.
        phase: Phase,
        /// Since boot.
        uptime_ms: u64,
    },
    /// What the initramfs and the hardware look like; sent once early, and again on request.
    Survey(InitramfsSurvey),
    /// A task ended with something seen.
    Observed {
        /// The number of the task.
        task_id: u32,
        /// What was seen.
        observation: Observation,
        /// How long it took.
        duration_ms: u64,
    },
    /// What a tool says while it runs; at most a message in
    /// [`PROGRESS_EVERY_MS`](super::PROGRESS_EVERY_MS).
    Progress {
        /// The number of the task.
        task_id: u32,
        /// The latest lines, oldest first, at most [`PROGRESS_LINES`](super::PROGRESS_LINES) of at
        /// most [`PROGRESS_LINE_BYTES`](super::PROGRESS_LINE_BYTES).
        lines: Vec<String>,
        /// How many lines before these were left out.
        left_out: u64,
    },
    /// A task could not be carried out, ran out of time, or was cancelled.
    TaskFailed {
        /// The number of the task.
        task_id: u32,
        /// Why, in words.
        reason: String,
        /// Whether the time limit ended it.
        timed_out: bool,
    },
}

/// Host to agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "kebab-case")]
pub enum HostMessage {
    /// Answers a hello; without it the agent does nothing.
    Welcome {
        /// Must equal the order's.
        run_id: String,
        /// Must equal the order's.
        plan_digest: String,
    },
    /// Send a survey now.
    Survey,
    /// Do something and report.
    Run {
        /// Counts up from 1.
        task_id: u32,
        /// What to do.
        task: Task,
        /// The limit; when it is over the agent ends the task itself.
        timeout_ms: u64,
        /// The longest report.
        output_limit_bytes: u32,
    },
    /// End a task before its time.
    Cancel {
        /// Its number.
        task_id: u32,
    },
    /// The machine will be shut down: let go of the root, stand in nobody's way.
    Leave,
}

/// Something to do inside the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "kebab-case")]
pub enum Task {
    /// Wait until the guest's init says that it has started everything ([`Observation::BootState`]).
    AwaitReady,
    /// Read the kernel's log from its beginning ([`Observation::KernelLog`]).
    ReadKernelLog {
        /// Records of this syslog level and below (4 = warning) are reported.
        max_level: u8,
    },
    /// Count processors ([`Observation::Cpus`]).
    CountCpus,
    /// Measure memory ([`Observation::Memory`]).
    MeasureMemory,
    /// Find the root disk's drivers, write, sync, and read back past the cache
    /// ([`Observation::RootDisk`]).
    ExerciseRootDisk {
        /// How much to write.
        bytes: u64,
        /// Seeds the content, so that no two runs write the same.
        seed: u64,
    },
    /// Find link, address and name ([`Observation::Network`]). Waits for the guest's own set-up.
    ProbeNetwork {
        /// The card to look at, `52:54:00:…`.
        mac: String,
        /// An address to ping.
        ping: [u8; 4],
        /// A name to ask the guest's own resolver's server for.
        name: String,
    },
    /// Send and receive over TCP ([`Observation::Transfer`]).
    TransferTcp {
        /// The service's address.
        address: [u8; 4],
        /// The service's port: it sends back every byte.
        port: u16,
        /// How much, each way.
        bytes: u64,
        /// Seeds the content.
        seed: u64,
    },
    /// Read, switch and restore the clock source ([`Observation::Clock`]).
    SwitchClockSources,
    /// Read from the hardware random number device ([`Observation::Entropy`]).
    ReadEntropy {
        /// How much.
        bytes: u32,
    },
    /// Write a line to the first serial port and keep it open until the time is over or the
    /// task is cancelled, so that what the host types is echoed ([`Observation::ConsoleLine`]
    /// is sent at once, the port stays open for `hold_ms` after it).
    WriteConsole {
        /// The line.
        line: String,
        /// How long to keep the port open.
        hold_ms: u64,
    },
    /// Ask processor and kernel who the hypervisor is ([`Observation::Hypervisor`]).
    IdentifyHypervisor,
    /// List the devices of the synthetic bus ([`Observation::Vmbus`]).
    ListVmbus,
    /// Read the files of the guest's key-value daemon ([`Observation::KeyValues`]).
    ReadKeyValues {
        /// The pool to look in.
        pool: u8,
        /// The key to look for.
        key: String,
    },
    /// Write and sync a little again and again ([`Observation::Writes`]).
    WatchWrites {
        /// For how long; a write that has begun is waited for.
        for_ms: u64,
        /// Ends it earlier: a write that took so long, and some seconds without another.
        enough_ms: u64,
    },
    /// Listen to every keyboard ([`Observation::Keys`]).
    ListenToKeys {
        /// For how long.
        for_ms: u64,
        /// Ends it earlier: so many keys.
        enough: u16,
    },
    /// Crash the guest's kernel. Nothing is reported: the machine tells.
    Crash,
    /// Put a file in its place ([`Observation::Written`]).
    WriteFile(WriteFile),
    /// Take a file away ([`Observation::Removed`]).
    RemoveFile(RemoveFile),
    /// Say what is in places of the guest's tree ([`Observation::Files`]).
    DescribeFiles {
        /// The places, at most [`MAX_DESCRIBED`](super::MAX_DESCRIBED).
        paths: Vec<GuestPath>,
    },
    /// Run a program of the guest's ([`Observation::ToolRun`]).
    RunTool(RunTool),
    /// Sync every mounted file system ([`Observation::Synced`]).
    SyncAll,
    /// Say how much room there is ([`Observation::Spaces`]).
    MeasureSpace {
        /// Places on the file systems that are meant, at most
        /// [`MAX_DESCRIBED`](super::MAX_DESCRIBED).
        paths: Vec<GuestPath>,
    },
    /// Look for a disk that was plugged in, and do something with it ([`Observation::DiskUsed`]).
    UseDisk(UseDisk),
    /// Wait for a state of a network card ([`Observation::Card`]).
    AwaitCard(AwaitCard),
    /// Wait for more processors, bring them up where the guest does not, and run on them
    /// ([`Observation::ProcessorsGrown`]).
    AwaitProcessors {
        /// How many there were.
        more_than: u32,
        /// How long it may take.
        wait_ms: u64,
    },
    /// Wait for more memory, and bring it up where the guest does not
    /// ([`Observation::MemoryGrown`]).
    AwaitMemory {
        /// What `MemTotal` is to be.
        at_least_bytes: u64,
        /// How long it may take.
        wait_ms: u64,
    },
    /// Read the clocks ([`Observation::GuestClock`]).
    ReadClocks,
    /// Write numbered records to a disk, each synced before the next. Progress tells the number of
    /// the last one that the kernel has called durable.
    WriteRecords {
        /// The disk's serial number.
        serial: String,
        /// Seeds their content.
        seed: u64,
        /// For how long.
        for_ms: u64,
    },
    /// Look for the records ([`Observation::RecordsRead`]).
    ReadRecords {
        /// The disk's serial number.
        serial: String,
        /// Seeds their content.
        seed: u64,
        /// How long the disk may take to appear.
        wait_ms: u64,
    },
    /// Start the first watchdog and do not feed it ([`Observation::Watchdog`]).
    StartWatchdog,
    /// What the plan `base` asks beyond that ([`Observation::Exercised`]).
    Exercise(Exercise),
}

/// Which side of a transfer is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransferSide {
    /// Guest to host.
    Sent,
    /// Host to guest.
    Received,
}
