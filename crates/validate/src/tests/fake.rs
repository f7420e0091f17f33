//! A guest that speaks the agent's protocol, sound until a test spoils it.

use detente_host::scripted::{Input, Script};
use detente_host::{MachineEvent, Operation, Port, PowerOff};
use detente_plan::protocol::{
    AgentMessage, BootState, Clock, ClockSwitch, ConsoleLine, Cpus, Decoder, Entropy, HostMessage,
    Hypervisor, InitramfsSurvey, KernelLog, Memory, Network, Observation, PROTOCOL, Phase,
    RootDisk, Selinux, Task, Transfer, encode,
};

use crate::agent;

/// The run that the guest takes part in.
pub(super) const RUN: &str = "run-of-the-test";
/// What the host's echo service and the guest say of their transfer.
pub(super) const TRANSFER_SHA256: &str = "aa";

/// What a guest does with what the host says.
pub(super) type Heard = Box<dyn FnMut(&HostMessage) -> Option<Vec<MachineEvent>> + Send>;

/// What happens when something is done to its machine.
pub(super) type OperatedOn = Box<dyn FnMut(&Operation) -> Vec<MachineEvent> + Send>;

/// A guest. Each part may be replaced.
pub(super) struct FakeGuest {
    /// What happens before the agent speaks.
    pub(super) first: Vec<MachineEvent>,
    /// The ports that the agent says hello on.
    pub(super) ports: Vec<Port>,
    /// How it says hello.
    pub(super) hello: AgentMessage,
    /// What happens when it is welcomed, the first time.
    pub(super) welcomed: Vec<MachineEvent>,
    /// What it does with what the host says; `None` is for [`FakeGuest::usual`].
    pub(super) heard: Heard,
    /// What it does when the power button is pressed.
    pub(super) button: Vec<MachineEvent>,
    /// What happens when something is done to its machine.
    pub(super) operated: OperatedOn,
    /// Whether it echoes what is typed.
    pub(super) echoes: bool,
    /// How many typed pieces it throws away first, as a getty does that is just starting.
    pub(super) thrown_away: u32,
    /// Whether the agent shows every second that it is alive.
    pub(super) heartbeats: bool,
}

impl FakeGuest {
    /// A guest with which everything is in order.
    pub(super) fn sound() -> Self {
        Self {
            first: vec![console("Linux version 6.1\r\n")],
            ports: vec![Port::AgentSerial],
            hello: hello(),
            welcomed: vec![
                said(&AgentMessage::Survey(survey())),
                said(&phase(Phase::Root)),
            ],
            heard: Box::new(|_| None),
            button: powers_off(),
            operated: Box::new(|_| Vec::new()),
            echoes: true,
            thrown_away: 0,
            heartbeats: false,
        }
    }

    /// A sound guest but for what it answers to `Run`s.
    pub(super) fn answering(
        mut answer: impl FnMut(u32, &Task) -> Option<Vec<MachineEvent>> + Send + 'static,
    ) -> Self {
        Self {
            heard: Box::new(move |message| match message {
                HostMessage::Run { task_id, task, .. } => answer(*task_id, task),
                HostMessage::Welcome { .. }
                | HostMessage::Survey
                | HostMessage::Cancel { .. }
                | HostMessage::Leave => None,
            }),
            ..Self::sound()
        }
    }

    /// The guest as a script.
    pub(super) fn script(mut self) -> Script {
        let mut decoder = Decoder::new();
        let mut ticks = 0_u64;
        Box::new(move |input| match input {
            Input::Started => {
                let mut events = std::mem::take(&mut self.first);
                let hello = self.hello.clone();
                events.extend(self.ports.iter().map(|port| said_on(*port, &hello)));
                events
            }
            Input::Sent(Port::Console, _) if self.thrown_away > 0 => {
                self.thrown_away -= 1;
                Vec::new()
            }
            Input::Sent(Port::Console, bytes) if self.echoes => vec![output(Port::Console, bytes)],
            Input::Sent(Port::Console, _) => Vec::new(),
            Input::Sent(Port::GuestAgent, _) => Vec::new(),
            Input::Tick => {
                ticks += 1;
                // Waiting looks up five times a second.
                let due = self.heartbeats && ticks.is_multiple_of(5);
                due.then(heartbeat).into_iter().collect()
            }
            Input::Sent(Port::AgentSerial | Port::AgentVirtio, bytes) => {
                let mut events = Vec::new();
                for frame in decoder.push(bytes) {
                    let message = serde_json::from_slice(&frame).unwrap();
                    let reaction = (self.heard)(&message);
                    events.extend(reaction.unwrap_or_else(|| self.usual(&message)));
                }
                events
            }
            Input::PowerButton => std::mem::take(&mut self.button),
            Input::Operated(operation) => (self.operated)(operation),
        })
    }

    /// What a sound guest does.
    fn usual(&mut self, message: &HostMessage) -> Vec<MachineEvent> {
        match message {
            HostMessage::Welcome { .. } => std::mem::take(&mut self.welcomed),
            HostMessage::Survey => vec![said(&AgentMessage::Survey(survey()))],
            HostMessage::Run { task_id, task, .. } => sound_answer(*task_id, task),
            HostMessage::Cancel { .. } => Vec::new(),
            HostMessage::Leave => vec![said(&phase(Phase::Leaving))],
        }
    }
}

/// Bytes on a port.
pub(super) fn output(port: Port, bytes: &[u8]) -> MachineEvent {
    let bytes = bytes.to_vec();
    MachineEvent::Output { port, bytes }
}

/// Text on the console.
pub(super) fn console(text: &str) -> MachineEvent {
    output(Port::Console, text.as_bytes())
}

/// A message on a port.
pub(super) fn said_on(port: Port, message: &AgentMessage) -> MachineEvent {
    output(port, &encode(message).unwrap())
}

/// A message on the serial port.
pub(super) fn said(message: &AgentMessage) -> MachineEvent {
    said_on(Port::AgentSerial, message)
}

/// The result of a task.
pub(super) fn observed(task_id: u32, observation: Observation) -> MachineEvent {
    said(&AgentMessage::Observed {
        task_id,
        observation,
        duration_ms: 7,
    })
}

/// The agent went over to a phase.
pub(super) fn phase(phase: Phase) -> AgentMessage {
    let uptime_ms = 1;
    AgentMessage::PhaseChanged { phase, uptime_ms }
}

/// The agent is alive.
fn heartbeat() -> MachineEvent {
    said(&AgentMessage::Heartbeat {
        sequence: 1,
        phase: Phase::Root,
        uptime_ms: 1,
    })
}

/// How a kernel turns the power off.
pub(super) fn powers_off() -> Vec<MachineEvent> {
    vec![
        console("[   30.1] reboot: Power down\r\n"),
        MachineEvent::PowerOff(PowerOff::Guest),
    ]
}

/// Our agent's hello.
pub(super) fn hello() -> AgentMessage {
    AgentMessage::Hello {
        protocol: PROTOCOL,
        run_id: RUN.to_owned(),
        plan_digest: super::scene::plan().digest(),
        agent_sha256: agent::sha256(),
        kernel_release: "6.1".to_owned(),
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// An initramfs with all drivers.
pub(super) fn survey() -> InitramfsSurvey {
    InitramfsSurvey {
        modules: names(&["virtio_blk", "virtio_net", "virtio_pci"]),
        builtin: Vec::new(),
        loaded: Vec::new(),
        orphans: Vec::new(),
        block_devices: names(&["vda"]),
        root: "UUID=1".to_owned(),
        uptime_ms: 1,
        truncated: false,
        kernel_only: false,
    }
}

/// What a sound guest answers.
pub(super) fn sound_answer(task_id: u32, task: &Task) -> Vec<MachineEvent> {
    let mut events = Vec::new();
    if let Task::WriteConsole { line, .. } = task {
        events.push(console(&format!("{line}\r\n")));
    }
    events.push(observed(task_id, seen(task)));
    events
}

#[expect(clippy::too_many_lines, reason = "one arm for each task")]
fn seen(task: &Task) -> Observation {
    match task {
        Task::AwaitReady => Observation::BootState(BootState {
            init: "systemd".to_owned(),
            state: "running".to_owned(),
            failed_units: Vec::new(),
            os: "Debian".to_owned(),
            selinux: Selinux::Absent,
            uptime_ms: 9,
        }),
        Task::ReadKernelLog { .. } => Observation::KernelLog(KernelLog {
            records: Vec::new(),
            seen: 500,
            truncated: false,
        }),
        Task::CountCpus => Observation::Cpus(cpus(2)),
        Task::MeasureMemory => Observation::Memory(Memory {
            total_bytes: 2000 << 20,
            system_ram_bytes: 2047 << 20,
            crash_kernel_bytes: 0,
        }),
        Task::ExerciseRootDisk { bytes, .. } => Observation::RootDisk(RootDisk {
            disk: "vda".to_owned(),
            filesystem: "ext4".to_owned(),
            drivers: names(&["virtio_blk", "virtio_pci"]),
            bytes: *bytes,
            written_sha256: "bb".to_owned(),
            read_sha256: "bb".to_owned(),
            past_cache: true,
            write_ms: 1,
            read_ms: 1,
        }),
        Task::ProbeNetwork { .. } => Observation::Network(network()),
        Task::TransferTcp { bytes, .. } => Observation::Transfer(Transfer {
            sent_bytes: *bytes,
            sent_sha256: TRANSFER_SHA256.to_owned(),
            received_bytes: *bytes,
            received_sha256: TRANSFER_SHA256.to_owned(),
            elapsed_ms: 5,
        }),
        Task::SwitchClockSources => Observation::Clock(Clock {
            available: names(&["tsc", "acpi_pm"]),
            initial: "tsc".to_owned(),
            switches: vec![ClockSwitch {
                to: "acpi_pm".to_owned(),
                taken: true,
                advanced_ns: 200_000_000,
                backwards: false,
            }],
            restored: "tsc".to_owned(),
        }),
        Task::ReadEntropy { bytes } => Observation::Entropy(Entropy {
            current: "virtio_rng.0".to_owned(),
            available: names(&["virtio_rng.0"]),
            bytes: *bytes,
            distinct: 50,
            elapsed_ms: 3,
        }),
        Task::WriteConsole { .. } => Observation::ConsoleLine(ConsoleLine {
            written: true,
            held_by: names(&["agetty"]),
        }),
        Task::IdentifyHypervisor
        | Task::ListVmbus
        | Task::ReadKeyValues { .. }
        | Task::WatchWrites { .. }
        | Task::ListenToKeys { .. }
        | Task::Crash
        | Task::WriteFile(_)
        | Task::RemoveFile(_)
        | Task::DescribeFiles { .. }
        | Task::RunTool(_)
        | Task::SyncAll
        | Task::MeasureSpace { .. }
        | Task::UseDisk(_)
        | Task::AwaitCard(_)
        | Task::AwaitProcessors { .. }
        | Task::AwaitMemory { .. }
        | Task::Exercise(_)
        | Task::ReadClocks
        | Task::WriteRecords { .. }
        | Task::ReadRecords { .. }
        | Task::StartWatchdog => hypervisor(),
    }
}

/// So many processors in one socket.
pub(super) fn cpus(online: u32) -> Cpus {
    Cpus {
        online,
        sockets: 1,
        cores_per_socket: online,
        threads_per_core: 1,
        numa_nodes: 1,
        model: "scripted".to_owned(),
    }
}

fn network() -> Network {
    Network {
        interface: "eth0".to_owned(),
        driver: "virtio_net".to_owned(),
        operstate: "up".to_owned(),
        addresses: names(&["10.0.2.15/24"]),
        nameservers: names(&["10.0.2.2"]),
        pings_sent: 3,
        pings_received: 3,
        name_answer: Some(detente_host::network::GATEWAY),
    }
}

/// KVM, as a guest on it sees it.
fn hypervisor() -> Observation {
    Observation::Hypervisor(Hypervisor {
        present: true,
        vendor: "KVMKVMKVM".to_owned(),
        max_leaf: 0x4000_0001,
        interface: String::new(),
        detected: Some("KVM".to_owned()),
        system: "QEMU".to_owned(),
    })
}
