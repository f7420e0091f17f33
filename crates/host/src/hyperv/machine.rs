//! A guest on the Hyper-V-compatible machine, wherever its process runs.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use detente_machine::ServiceFaults;
use detente_machine::hyperv::{Answer, Command, Kind};

use super::spoil::{Ordered, spoiled};
use super::stream::Client;
use crate::local::ports::Event;
use crate::{HostError, Machine, MachineEvent, NetworkSeen, Port, StopReport};

/// How long the machine may take to pass a wish on to its guest's services and hear of them.
const SERVICE_LIMIT: Duration = Duration::from_secs(20);

/// Events of at most 64 KiB that are kept while the machine is asked for something.
const EARLIER_EVENTS: usize = 128;

/// What ends the machine's process, wherever it is.
pub(crate) trait Ender: Send {
    /// Ends it however it is and says how it ended. Called twice it does nothing more.
    fn end(&mut self) -> Result<String, HostError>;

    /// The most memory that it was seen to use.
    fn peak_memory(&self) -> Option<u64>;
}

/// A guest on the Hyper-V-compatible machine.
pub(crate) struct HypervMachine {
    pub(crate) client: Client,
    /// Gone once the machine is being ended.
    pub(crate) events: Option<Receiver<Event>>,
    /// Events that came while the machine was asked for something.
    pub(crate) earlier: VecDeque<Event>,
    pub(crate) console_input: bool,
    pub(crate) faults: ServiceFaults,
    pub(crate) network_seen: Arc<Mutex<NetworkSeen>>,
    pub(crate) ender: Box<dyn Ender>,
}

impl HypervMachine {
    /// Asks the machine, and takes events meanwhile, so that its answer is not stuck behind them.
    pub(crate) fn ask_now(
        &mut self,
        command: Command,
        limit: Duration,
    ) -> Result<Answer, HostError> {
        let (events, earlier) = (&self.events, &mut self.earlier);
        self.client.ask(command, limit, || {
            while earlier.len() < EARLIER_EVENTS
                && let Some(Ok(event)) = events.as_ref().map(Receiver::try_recv)
            {
                earlier.push_back(event);
            }
        })
    }

    fn end(&mut self) -> Result<String, HostError> {
        // Threads that wait for room for an event must not wait for ever.
        self.events = None;
        let _ = self.client.post(Command::Quit);
        let result = self.ender.end();
        self.client.close();
        result
    }
}

impl Machine for HypervMachine {
    fn next_event(&mut self, deadline: Instant) -> Result<Option<MachineEvent>, HostError> {
        if let Some(event) = self.earlier.pop_front() {
            return event.map(Some);
        }
        let Some(events) = &self.events else {
            return Err(ended());
        };
        match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(event) => event.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(ended()),
        }
    }

    fn send(&mut self, port: Port, bytes: &[u8]) -> Result<(), HostError> {
        match port {
            Port::Console if !self.console_input => Ok(()),
            Port::Console => self.client.send(Kind::ConsoleInput, bytes),
            Port::AgentSerial => self.client.send(Kind::AgentInput, bytes),
            Port::AgentVirtio | Port::GuestAgent => Err(HostError::Failed {
                action: "writing to a port",
                detail: format!("this machine has no {port:?}"),
            }),
        }
    }

    fn screen_picture(&mut self, _: &Path) -> Result<(), HostError> {
        Err(HostError::Failed {
            action: "taking a picture of the screen",
            detail: "this machine has no screen".to_owned(),
        })
    }

    fn press_power_button(&mut self) -> Result<(), HostError> {
        match self.ask_now(Command::PowerOff, SERVICE_LIMIT)? {
            Answer::Failed { why } => Err(HostError::Failed {
                action: "asking the guest's shutdown service",
                detail: why,
            }),
            Answer::Done | Answer::Status { .. } | Answer::Kvp { .. } => Ok(()),
        }
    }

    fn ask(&mut self, command: Command) -> Result<u64, HostError> {
        match spoiled(command, self.faults) {
            Ordered::Ask(command) => self.client.post(command),
            Ordered::Pretend => {
                let id = self.client.next_id();
                let answer = Answer::Done;
                let event = MachineEvent::Answered { id, answer };
                self.earlier.push_back(Ok(event));
                Ok(id)
            }
        }
    }

    fn network_seen(&self) -> NetworkSeen {
        self.network_seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn stop(mut self: Box<Self>) -> Result<StopReport, HostError> {
        let status = self.end()?;
        Ok(StopReport {
            status,
            peak_memory_bytes: self.ender.peak_memory(),
        })
    }
}

impl Drop for HypervMachine {
    fn drop(&mut self) {
        // Nobody is left to be told. A process of ours dies with us; a lab ends its machine when
        // its host goes away.
        let _ = self.end();
    }
}

fn ended() -> HostError {
    HostError::Failed {
        action: "watching the machine",
        detail: "it has ended".to_owned(),
    }
}
