//! Starts QEMU with its sockets, and the threads that serve them.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use command_fds::{CommandFdExt, FdMapping};
use detente_machine::qemu::{Accelerator, Wiring, arguments};
use detente_machine::{LaunchSpec, Pretended};

use super::machine::LocalMachine;
use super::ports::{self, Event, Writer};
use super::process::{self, Process, Readers};
use super::{child, console, firmware, qmp};
use crate::network::{self, Behaviour};
use crate::{HostError, NetworkSeen, Port};

/// Events that wait, of at most 64 KiB each; then the guest waits.
const EVENTS: usize = 64;

/// The first descriptor that is not a standard stream.
const FIRST_FD: i32 = 3;

/// What is to be started, and how.
pub(super) struct Order<'a> {
    pub(super) program: &'a Path,
    pub(super) accelerator: Accelerator,
    pub(super) sandbox: bool,
    pub(super) spec: &'a LaunchSpec,
    pub(super) work: &'a Path,
}

/// One end of each connection.
struct Ends {
    com1: UnixStream,
    com2: UnixStream,
    qmp: UnixStream,
    net: UnixStream,
    virtio: Option<UnixStream>,
    /// Only beside a virtio port: it hangs on the same controller.
    guest_agent: Option<UnixStream>,
}

/// The machine, running.
pub(super) fn start(order: &Order<'_>) -> Result<LocalMachine, HostError> {
    let console = console::create(order.work)?;
    let (ours, theirs) = connections(order.spec).map_err(io("creating sockets"))?;
    let (writers, streams) = ours.split().map_err(io("sharing sockets"))?;
    let (client, monitor) = qmp::open(streams.qmp).map_err(io("sharing sockets"))?;
    let (sender, events) = sync_channel(EVENTS);
    let seen = Arc::new(Mutex::new(NetworkSeen::default()));
    let watched = process::start(&order.spec.name, command(order, theirs)?)?;
    // From here on the machine ends QEMU and its threads when it is dropped.
    let mut machine = LocalMachine {
        process: watched.process,
        watcher: Some(watched.watcher),
        events: Some(events),
        earlier: VecDeque::new(),
        monitor: client,
        ports: writers,
        console_input: order.spec.console_input,
        pretended: order.spec.extras.pretended,
        network_seen: Arc::clone(&seen),
        work: order.work.to_owned(),
    };
    let mut threads = Threads {
        handles: Vec::new(),
        events: sender,
    };
    let served = Served {
        console,
        com1: streams.com1,
        com2: streams.com2,
        virtio: streams.virtio,
        guest_agent: streams.guest_agent,
        net: streams.net,
        monitor,
        process: Arc::clone(&machine.process),
        behaviour: Behaviour {
            dhcp: order.spec.network.dhcp,
            spoil_transfer: order.spec.network.spoil_transfer,
            long_frames: !order.spec.extras.pretended.contains(Pretended::LongFrames),
        },
        seen,
    };
    let started = served.start(&mut threads);
    // Whatever was started is waited for, also when the rest could not be.
    let _ = watched.readers.send(Readers {
        threads: threads.handles,
        events: threads.events,
    });
    started.map_err(io("starting threads"))?;
    machine.run()?;
    Ok(machine)
}

fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> HostError {
    move |source| HostError::Io { action, source }
}

/// Ours and QEMU's.
fn connections(spec: &LaunchSpec) -> std::io::Result<(Ends, Ends)> {
    let (com1, their_com1) = UnixStream::pair()?;
    let (com2, their_com2) = UnixStream::pair()?;
    let (qmp, their_qmp) = UnixStream::pair()?;
    let (net, their_net) = UnixStream::pair()?;
    let has_virtio = spec.profile.hardware().virtio_port;
    let (virtio, their_virtio) = pair_if(has_virtio)?;
    let (guest_agent, their_guest_agent) = pair_if(has_virtio && spec.extras.guest_agent)?;
    let ours = Ends {
        com1,
        com2,
        qmp,
        net,
        virtio,
        guest_agent,
    };
    let theirs = Ends {
        com1: their_com1,
        com2: their_com2,
        qmp: their_qmp,
        net: their_net,
        virtio: their_virtio,
        guest_agent: their_guest_agent,
    };
    Ok((ours, theirs))
}

type Pair = (Option<UnixStream>, Option<UnixStream>);

fn pair_if(wanted: bool) -> std::io::Result<Pair> {
    if !wanted {
        return Ok((None, None));
    }
    let (ours, theirs) = UnixStream::pair()?;
    Ok((Some(ours), Some(theirs)))
}

impl Ends {
    /// The ways into the ports, beside the ends themselves.
    fn split(self) -> std::io::Result<(Vec<(Port, Writer)>, Self)> {
        let mut writers = vec![
            (Port::Console, Writer::new(self.com1.try_clone()?)),
            (Port::AgentSerial, Writer::new(self.com2.try_clone()?)),
        ];
        if let Some(virtio) = &self.virtio {
            writers.push((Port::AgentVirtio, Writer::new(virtio.try_clone()?)));
        }
        if let Some(guest_agent) = &self.guest_agent {
            writers.push((Port::GuestAgent, Writer::new(guest_agent.try_clone()?)));
        }
        Ok((writers, self))
    }
}

fn command(order: &Order<'_>, theirs: Ends) -> Result<Command, HostError> {
    let (has_virtio, has_guest_agent) = (theirs.virtio.is_some(), theirs.guest_agent.is_some());
    let ends = [theirs.com1, theirs.com2, theirs.qmp, theirs.net];
    let mappings = (FIRST_FD..)
        .zip(
            ends.into_iter()
                .chain(theirs.virtio)
                .chain(theirs.guest_agent),
        )
        .map(|(child_fd, end)| FdMapping {
            parent_fd: end.into(),
            child_fd,
        })
        .collect();
    let extras = order.spec.extras;
    let firmware = firmware::files(extras.firmware.as_it_is(extras.pretended), order.work)?;
    let wiring = Wiring {
        accel: order.accelerator,
        sandbox: order.sandbox,
        com1_fd: FIRST_FD,
        com2_fd: FIRST_FD + 1,
        qmp_fd: FIRST_FD + 2,
        net_fd: FIRST_FD + 3,
        virtio_port_fd: has_virtio.then_some(FIRST_FD + 4),
        guest_agent_fd: has_guest_agent.then_some(FIRST_FD + 5),
        firmware: firmware.as_ref(),
    };
    let mut command = Command::new(order.program);
    command
        .args(arguments(order.spec, &wiring))
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    child::guard(&mut command);
    command
        .fd_mappings(mappings)
        .map_err(|error| HostError::Failed {
            action: "passing sockets to QEMU",
            detail: error.to_string(),
        })?;
    Ok(command)
}

/// The threads of a machine, as far as they were started.
struct Threads {
    handles: Vec<JoinHandle<()>>,
    events: SyncSender<Event>,
}

impl Threads {
    fn start(
        &mut self,
        name: &str,
        work: impl FnOnce(&SyncSender<Event>) + Send + 'static,
    ) -> std::io::Result<()> {
        let events = self.events.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&events))?;
        self.handles.push(thread);
        Ok(())
    }
}

/// What the threads of a machine work on.
struct Served {
    console: File,
    com1: UnixStream,
    com2: UnixStream,
    virtio: Option<UnixStream>,
    guest_agent: Option<UnixStream>,
    net: UnixStream,
    monitor: qmp::Reader,
    process: Arc<Process>,
    behaviour: Behaviour,
    seen: Arc<Mutex<NetworkSeen>>,
}

impl Served {
    fn start(self, threads: &mut Threads) -> std::io::Result<()> {
        let (com1, console) = (self.com1, self.console);
        threads.start("console", move |events| {
            console::read(com1, console, events)
        })?;
        let com2 = self.com2;
        threads.start("agent serial", move |events| {
            ports::read(com2, Port::AgentSerial, events);
        })?;
        if let Some(virtio) = self.virtio {
            threads.start("agent virtio", move |events| {
                ports::read(virtio, Port::AgentVirtio, events);
            })?;
        }
        if let Some(guest_agent) = self.guest_agent {
            threads.start("guest agent", move |events| {
                ports::read(guest_agent, Port::GuestAgent, events);
            })?;
        }
        let (monitor, process) = (self.monitor, self.process);
        threads.start("monitor", move |events| {
            monitor.run(events, || process.sample())
        })?;
        let (net, behaviour, seen) = (self.net, self.behaviour, self.seen);
        threads.start("network", move |events| {
            if let Err(source) = network::serve(net, behaviour, &seen) {
                let action = "serving the network";
                let _ = events.send(Err(HostError::Io { action, source }));
            }
        })
    }
}
