//! What the integration services of the Hyper-V-compatible machine have said.

use std::collections::HashMap;

use detente_host::HostError;
use detente_machine::hyperv::{Answer, BusEvent, Command};

use super::Session;

/// Bus events that are kept: a guest that opens and closes for ever must not fill our memory.
const BUS_EVENTS: usize = 256;

/// Answers that nobody has taken yet.
const ANSWERS: usize = 64;

/// What the services have said.
#[derive(Debug, Default)]
pub(crate) struct Services {
    /// What happened on the bus, oldest first.
    pub(crate) bus: Vec<BusEvent>,
    /// Heartbeats sent and answered.
    pub(crate) heartbeats: (u64, u64),
    /// The crash registers.
    pub(crate) crash: Option<[u64; 5]>,
    answers: HashMap<u64, Answer>,
}

impl Services {
    /// The version of the bus that guest and machine have agreed on last.
    pub(crate) fn agreed_version(&self) -> Option<String> {
        let versions = self.bus.iter().rev();
        let mut agreed = versions.filter_map(|event| match event {
            BusEvent::Connected { version } => Some(version.to_string()),
            BusEvent::Refused { .. }
            | BusEvent::Opened { .. }
            | BusEvent::Closed { .. }
            | BusEvent::Rested { .. }
            | BusEvent::Unloaded => None,
        });
        agreed.next()
    }

    /// Whether an answer has come.
    pub(crate) fn has_answer(&self, id: u64) -> bool {
        self.answers.contains_key(&id)
    }

    pub(super) fn bus(&mut self, event: BusEvent) {
        if self.bus.len() < BUS_EVENTS {
            self.bus.push(event);
        }
    }

    pub(super) fn heartbeat(&mut self, sent: u64, answered: u64) {
        self.heartbeats = (sent, answered);
    }

    pub(super) fn crashed(&mut self, parameters: [u64; 5]) {
        self.crash = Some(parameters);
    }

    pub(super) fn answered(&mut self, id: u64, answer: Answer) {
        if self.answers.len() < ANSWERS {
            self.answers.insert(id, answer);
        }
    }
}

impl Session {
    /// Asks the machine for a service.
    pub(crate) fn ask(&mut self, command: Command) -> Result<u64, HostError> {
        self.machine.ask(command)
    }

    /// Takes an answer, if it has come.
    pub(crate) fn take_answer(&mut self, id: u64) -> Option<Answer> {
        self.services.answers.remove(&id)
    }
}
