//! The tasks, one file each. They run in a worker, so they may wait as long as they like.

mod await_card;
mod await_ready;
mod clock;
mod console;
mod cpus;
mod crash;
mod discard;
mod dns;
mod entropy;
mod exercise_disk;
mod exercises;
mod file_state;
mod grown;
mod guest_clock;
mod hypervisor;
mod ipv4_addresses;
mod kernel_log;
mod key_values;
mod keys;
mod link_up;
mod log_lines;
mod memory;
mod metadata;
mod mount_point;
mod network;
mod payload_disk;
mod ping;
mod place;
mod records;
mod relabel;
mod remove_file;
mod root_disk;
mod run_tool;
mod space;
mod sync_all;
mod tool_output;
mod transfer;
mod use_disk;
mod vmbus;
mod watchdog;
mod write_file;
mod writes;

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use detente_plan::protocol::{Observation, Task};

use crate::task_error::TaskError;
use crate::worker::Report;

/// What a task must keep to.
#[derive(Debug)]
pub(crate) struct Limits {
    /// When the worker is killed.
    pub(crate) end: Instant,
    /// The longest report.
    pub(crate) output_bytes: usize,
}

impl Limits {
    /// How long a task may wait for something and still have `reserve` to report it.
    pub(crate) fn left(&self, reserve: Duration) -> Duration {
        self.end
            .saturating_duration_since(Instant::now())
            .saturating_sub(reserve)
    }
}

/// A task that is done, but for what it keeps open.
#[derive(Debug)]
pub(crate) struct Done {
    /// What was seen.
    pub(crate) observation: Observation,
    /// How long to keep it open.
    pub(crate) hold: Duration,
    /// What to keep open.
    pub(crate) held: Option<OwnedFd>,
}

impl From<Observation> for Done {
    fn from(observation: Observation) -> Self {
        Self {
            observation,
            hold: Duration::ZERO,
            held: None,
        }
    }
}

/// Whether the task looks at the guest's files. The others are content with the shelter, and so
/// work in the initramfs as well.
pub(crate) fn needs_root(task: &Task) -> bool {
    match task {
        Task::AwaitReady
        | Task::ExerciseRootDisk { .. }
        | Task::ProbeNetwork { .. }
        | Task::ReadKeyValues { .. }
        | Task::WatchWrites { .. }
        | Task::WriteFile(_)
        | Task::RemoveFile(_)
        | Task::DescribeFiles { .. }
        | Task::RunTool(_)
        | Task::SyncAll
        | Task::MeasureSpace { .. } => true,
        Task::Exercise(exercise) => exercises::needs_root(exercise),
        Task::ReadKernelLog { .. }
        | Task::CountCpus
        | Task::MeasureMemory
        | Task::TransferTcp { .. }
        | Task::SwitchClockSources
        | Task::ReadEntropy { .. }
        | Task::WriteConsole { .. }
        | Task::IdentifyHypervisor
        | Task::ListVmbus
        | Task::ListenToKeys { .. }
        | Task::UseDisk(_)
        | Task::AwaitCard(_)
        | Task::AwaitProcessors { .. }
        | Task::AwaitMemory { .. }
        | Task::ReadClocks
        | Task::WriteRecords { .. }
        | Task::ReadRecords { .. }
        | Task::StartWatchdog
        | Task::Crash => false,
    }
}

/// Does a task; `tell` is for what is said before the end.
///
/// # Errors
/// It could not be done; that is an outcome like any other.
pub(crate) fn run(
    task: &Task,
    limits: &Limits,
    tell: &mut dyn FnMut(Report),
) -> Result<Done, TaskError> {
    let root = Path::new("/");
    Ok(match task {
        Task::AwaitReady => Observation::BootState(await_ready::run(limits)).into(),
        Task::ReadKernelLog { max_level } => {
            Observation::KernelLog(kernel_log::run(*max_level, limits)?).into()
        }
        Task::CountCpus => Observation::Cpus(cpus::run(root)).into(),
        Task::MeasureMemory => Observation::Memory(memory::run(root)).into(),
        Task::ExerciseRootDisk { bytes, seed } => {
            Observation::RootDisk(exercise_disk::run(*bytes, *seed)?).into()
        }
        Task::ProbeNetwork { mac, ping, name } => {
            Observation::Network(network::run(mac, *ping, name, limits)?).into()
        }
        Task::TransferTcp {
            address,
            port,
            bytes,
            seed,
        } => Observation::Transfer(transfer::run((*address, *port), *bytes, *seed, limits)?).into(),
        Task::SwitchClockSources => Observation::Clock(clock::run(root)?).into(),
        Task::ReadEntropy { bytes } => Observation::Entropy(entropy::run(*bytes, limits)?).into(),
        Task::WriteConsole { line, hold_ms } => console::run(line, *hold_ms)?,
        Task::IdentifyHypervisor => Observation::Hypervisor(hypervisor::run(root)).into(),
        Task::ListVmbus => Observation::Vmbus(vmbus::run(root)).into(),
        Task::ReadKeyValues { pool, key } => {
            Observation::KeyValues(key_values::run(root, *pool, key)).into()
        }
        Task::WatchWrites { for_ms, enough_ms } => {
            Observation::Writes(writes::run(*for_ms, *enough_ms, limits)?).into()
        }
        Task::ListenToKeys { for_ms, enough } => {
            Observation::Keys(keys::run(*for_ms, *enough, limits)?).into()
        }
        Task::Crash => return Err(crash::run(limits)),
        Task::WriteFile(order) => Observation::Written(write_file::run(root, order)?).into(),
        Task::RemoveFile(order) => Observation::Removed(remove_file::run(root, order)?).into(),
        Task::DescribeFiles { paths } => Observation::Files {
            files: file_state::describe(root, paths)?,
        }
        .into(),
        Task::RunTool(order) => Observation::ToolRun(run_tool::run(order, limits, tell)?).into(),
        Task::SyncAll => {
            Observation::Synced(sync_all::run(Path::new("/proc/self/mountinfo"))).into()
        }
        Task::MeasureSpace { paths } => Observation::Spaces(space::run(root, paths)?).into(),
        Task::UseDisk(order) => Observation::DiskUsed(use_disk::run(order, limits)?).into(),
        Task::AwaitCard(order) => Observation::Card(await_card::run(order, limits)?).into(),
        Task::AwaitProcessors { more_than, wait_ms } => {
            let seen = grown::processors(root, *more_than, *wait_ms, limits);
            Observation::ProcessorsGrown(seen).into()
        }
        Task::AwaitMemory {
            at_least_bytes,
            wait_ms,
        } => {
            let seen = grown::memory(root, *at_least_bytes, *wait_ms, limits);
            Observation::MemoryGrown(seen).into()
        }
        Task::ReadClocks => Observation::GuestClock(guest_clock::run(root)).into(),
        Task::WriteRecords {
            serial,
            seed,
            for_ms,
        } => {
            let written = records::write(serial, *seed, *for_ms, limits, tell)?;
            Observation::RecordsRead(written).into()
        }
        Task::ReadRecords {
            serial,
            seed,
            wait_ms,
        } => Observation::RecordsRead(records::read(serial, *seed, *wait_ms)?).into(),
        Task::StartWatchdog => Observation::Watchdog(watchdog::run()?).into(),
        Task::Exercise(exercise) => {
            Observation::Exercised(exercises::run(exercise, limits, tell)?).into()
        }
    })
}
