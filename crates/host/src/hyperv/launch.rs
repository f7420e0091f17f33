//! Joins a stream to a machine's process with everything that serves it, and starts the guest.

use std::collections::VecDeque;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use detente_machine::LaunchSpec;
use detente_machine::hyperv::{Answer, Command, MachineConfig, PROTOCOL};

use super::log::Log;
use super::machine::{Ender, HypervMachine};
use super::network;
use super::stream::{self, Client, Outlets};
use crate::local::console::{self, Keeper};
use crate::local::ports::Event;
use crate::network::Behaviour;
use crate::{HostError, MachineEvent, NetworkSeen};

/// Events that wait, of at most 64 KiB each; then the guest waits.
const EVENTS: usize = 64;

/// How long the process may take to say who it is: the lab may be busy.
const HELLO_LIMIT: Duration = Duration::from_secs(30);

/// How long it may take to make the machine and load its kernel, from a disk in the lab.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How long an end may take to be told.
const WORDS_LIMIT: Duration = Duration::from_secs(2);

/// A stream with the threads that serve it.
pub(crate) struct Joined {
    client: Client,
    received: Receiver<Event>,
    seen: Arc<Mutex<NetworkSeen>>,
    /// Where whoever watches the process tells of its end, after the threads.
    pub(crate) events: SyncSender<Event>,
    /// The threads that end with the machine.
    pub(crate) threads: Vec<JoinHandle<()>>,
    /// To be set when the process is known to be gone.
    pub(crate) gone: Arc<AtomicBool>,
}

/// Starts the threads that serve a stream.
pub(crate) fn join(
    socket: UnixStream,
    spec: &LaunchSpec,
    work: &Path,
) -> Result<Joined, HostError> {
    let console = Keeper::new(console::create(work)?);
    let log = Log::create(work).map_err(io("creating the machine's log"))?;
    let (events, received) = sync_channel(EVENTS);
    let seen = Arc::new(Mutex::new(NetworkSeen::default()));
    let gone = Arc::new(AtomicBool::new(false));
    let behaviour = Behaviour {
        dhcp: spec.network.dhcp,
        spoil_transfer: spec.network.spoil_transfer,
        long_frames: true,
    };
    let io = io("starting threads");
    let (client, threads) = (|| {
        let (input, write) = stream::input(&socket)?;
        // Ends with the stream; nothing is lost that anybody waits for.
        std::thread::Builder::new()
            .name("hyperv input".to_owned())
            .spawn(write)?;
        let (bridge, mut threads) =
            network::start(input.clone(), behaviour, &seen, events.clone())?;
        let outlets = Outlets {
            events: events.clone(),
            console,
            bridge,
            log,
            gone: Arc::clone(&gone),
        };
        let (client, reader) = stream::open(socket, input, outlets)?;
        threads.insert(0, reader);
        Ok((client, threads))
    })()
    .map_err(io)?;
    Ok(Joined {
        client,
        received,
        seen,
        events,
        threads,
        gone,
    })
}

impl Joined {
    /// The machine, not yet started. From here on `ender` ends its process when it is dropped.
    pub(crate) fn machine(self, spec: &LaunchSpec, ender: Box<dyn Ender>) -> HypervMachine {
        HypervMachine {
            client: self.client,
            events: Some(self.received),
            earlier: VecDeque::new(),
            console_input: spec.console_input,
            faults: spec.synthetic.service_faults,
            network_seen: self.seen,
            ender,
        }
    }
}

impl HypervMachine {
    /// Hears who the process is, and lets the guest run.
    pub(crate) fn launch(&mut self, config: MachineConfig) -> Result<(), HostError> {
        let hello = self.client.hello(Instant::now() + HELLO_LIMIT);
        let answer = hello.and_then(|_| {
            let command = Command::Start {
                protocol: PROTOCOL,
                config: Box::new(config),
            };
            self.ask_now(command, START_LIMIT)
        });
        match answer {
            Ok(Answer::Done | Answer::Status { .. } | Answer::Kvp { .. }) => Ok(()),
            Ok(Answer::Failed { why }) => Err(starting(why)),
            Err(error) => Err(self.last_words().unwrap_or(error)),
        }
    }

    /// What was said of the process when it ended instead of starting.
    fn last_words(&mut self) -> Option<HostError> {
        let earlier = std::mem::take(&mut self.earlier);
        let deadline = Instant::now() + WORDS_LIMIT;
        let later = std::iter::from_fn(|| {
            let left = deadline.saturating_duration_since(Instant::now());
            self.events.as_ref()?.recv_timeout(left).ok()
        });
        earlier
            .into_iter()
            .chain(later)
            .find_map(|event| match event {
                Err(error) => Some(error),
                Ok(MachineEvent::Exited { status, stderr }) => {
                    Some(starting(format!("{status}: {stderr}")))
                }
                Ok(
                    MachineEvent::Output { .. }
                    | MachineEvent::ConsoleFlood { .. }
                    | MachineEvent::PowerOff(_)
                    | MachineEvent::Reset
                    | MachineEvent::Removed { .. }
                    | MachineEvent::Bus(_)
                    | MachineEvent::Heartbeat { .. }
                    | MachineEvent::Crashed { .. }
                    | MachineEvent::Answered { .. },
                ) => None,
            })
    }
}

fn starting(detail: String) -> HostError {
    HostError::Failed {
        action: "starting the Hyper-V-compatible machine",
        detail,
    }
}

fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> HostError {
    move |source| HostError::Io { action, source }
}
