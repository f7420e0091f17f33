//! What the machine tells the host.

use serde::{Deserialize, Serialize};

use super::config::VmbusVersion;

/// Something that the machine tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first thing said.
    Hello {
        /// [`PROTOCOL`](super::PROTOCOL).
        protocol: u32,
        /// The program's version.
        version: String,
    },
    /// A command was carried out, or not.
    Answered {
        /// The command's number.
        id: u64,
        /// What came of it.
        answer: Answer,
    },
    /// Something happened on the bus.
    Bus {
        /// What.
        what: BusEvent,
    },
    /// A heartbeat was sent; how many the guest has answered so far.
    Heartbeat {
        /// Sent so far.
        sent: u64,
        /// Answered so far.
        answered: u64,
    },
    /// The guest reported a crash by the crash registers.
    Crash {
        /// The five registers.
        parameters: [u64; 5],
    },
    /// For the log.
    Log {
        /// A sentence.
        text: String,
    },
    /// The machine is off; the process leaves. Nothing comes after this.
    Ended {
        /// Why.
        ending: Ending,
    },
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Answer {
    /// Done; the guest did what it had to.
    Done,
    /// Not done.
    Failed {
        /// Why.
        why: String,
    },
    /// How things are.
    Status {
        /// The negotiated version of the bus.
        vmbus: Option<VmbusVersion>,
        /// Classes of the channels that the guest has opened, each as often as it is open.
        open_channels: Vec<String>,
        /// Heartbeats answered so far.
        heartbeats: u64,
    },
    /// Key-value pairs.
    Kvp {
        /// The pairs.
        records: Vec<KvpRecord>,
        /// Whether there are more that were not read, or do not fit a message.
        #[serde(default)]
        more: bool,
    },
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvpRecord {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// Something that happened on the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BusEvent {
    /// Guest and machine agreed on a version.
    Connected {
        /// The version.
        version: VmbusVersion,
    },
    /// The guest asked for a version that was refused.
    Refused {
        /// The version.
        version: VmbusVersion,
    },
    /// A channel was opened.
    Opened {
        /// The device's class.
        class: String,
        /// The device.
        instance: String,
        /// The processor that it is served on.
        processor: u32,
    },
    /// A channel was closed.
    Closed {
        /// The device.
        instance: String,
    },
    /// A device gave up on a channel: the guest broke a rule.
    Rested {
        /// The device.
        instance: String,
        /// The rule.
        why: String,
    },
    /// The guest left the bus.
    Unloaded,
}

/// How a machine ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Ending {
    /// The guest powered itself off.
    PowerOff,
    /// The guest reset itself.
    Reset,
    /// A processor met faults while it handled faults.
    TripleFault,
    /// We were told to.
    Quit,
    /// The machine itself broke.
    Failed {
        /// How.
        why: String,
    },
}
