//! The one trait that stands before every place where machines run.

use std::path::{Path, PathBuf};
use std::time::Instant;

use detente_machine::LaunchSpec;
use detente_machine::hyperv::{Answer, BusEvent, Command};
use serde::{Deserialize, Serialize};

use crate::operation::{Operated, Operation};

/// A place where machines run.
pub trait Host {
    /// What it is, proved, not assumed.
    fn facts(&self) -> &HostFacts;

    /// Whether what a guest wrote lies in the spec's overlays when its machine is gone, so that it
    /// can be looked at.
    fn fills_overlays(&self) -> bool {
        true
    }

    /// Starts a machine. Its files (consoles) go into `work`, which exists and is its alone.
    ///
    /// # Errors
    /// [`HostError`]; nothing is left behind then but `work`.
    fn start(&self, spec: &LaunchSpec, work: &Path) -> Result<Box<dyn Machine>, HostError>;
}

/// A machine that was started. Dropping it ends it and cleans up.
pub trait Machine: Send {
    /// The next thing that happened, or `None` when `deadline` came first.
    ///
    /// # Errors
    /// [`HostError`] when the machine cannot be watched any more.
    fn next_event(&mut self, deadline: Instant) -> Result<Option<MachineEvent>, HostError>;

    /// Sends bytes into a port.
    ///
    /// # Errors
    /// [`HostError`] when the port is gone, or the machine takes nothing any more. A guest that does
    /// not read is no error: bytes beyond a bounded queue are dropped.
    fn send(&mut self, port: Port, bytes: &[u8]) -> Result<(), HostError>;

    /// Writes a picture of the screen (PNG) to `file`.
    ///
    /// # Errors
    /// [`HostError`] when there is no screen, or it cannot be taken.
    fn screen_picture(&mut self, file: &Path) -> Result<(), HostError>;

    /// Presses the power button.
    ///
    /// # Errors
    /// [`HostError`] when the machine does not take it.
    fn press_power_button(&mut self) -> Result<(), HostError>;

    /// What the network service has seen so far.
    fn network_seen(&self) -> NetworkSeen;

    /// Asks for what only the services of the Hyper-V-compatible machine give (key-value pairs,
    /// freezing, typing, disks that come and go). What came of it is told by
    /// [`MachineEvent::Answered`] with the number that this gives back.
    ///
    /// # Errors
    /// [`HostError`] when the machine has no such services, or does not take it.
    fn ask(&mut self, command: Command) -> Result<u64, HostError> {
        let _ = command;
        Err(HostError::Failed {
            action: "asking for an integration service",
            detail: "this machine has none".to_owned(),
        })
    }

    /// Does something to the machine while it runs.
    ///
    /// # Errors
    /// [`HostError`] when this machine cannot, or it did not work.
    fn operate(&mut self, operation: &Operation) -> Result<Operated, HostError> {
        let _ = operation;
        Err(HostError::Failed {
            action: "operating the machine",
            detail: "this kind of machine cannot do it".to_owned(),
        })
    }

    /// What the first processor can, as the machine gives it: CPUID words with their bits.
    ///
    /// # Errors
    /// [`HostError`] when the machine does not say.
    fn processor_words(&mut self) -> Result<Vec<ProcessorWord>, HostError> {
        Err(HostError::Failed {
            action: "asking what the processor can",
            detail: "this machine does not say".to_owned(),
        })
    }

    /// Ends the machine however it is, and waits until it is gone.
    ///
    /// # Errors
    /// [`HostError`] when that could not be made sure.
    fn stop(self: Box<Self>) -> Result<StopReport, HostError>;
}

/// A port of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Port {
    /// The first serial port: the console.
    Console,
    /// The second serial port: the agent.
    AgentSerial,
    /// The virtio-serial port: the agent's fast path.
    AgentVirtio,
    /// The QEMU guest agent's port.
    GuestAgent,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MachineEvent {
    /// Bytes came out of a port. Console bytes are also in the console's file.
    Output {
        /// The port.
        port: Port,
        /// The bytes, at most 64 KiB.
        bytes: Vec<u8>,
    },
    /// The console's limit was passed: nothing more of it is kept.
    ConsoleFlood {
        /// The limit.
        limit_bytes: u64,
    },
    /// The machine was powered off.
    PowerOff(PowerOff),
    /// The machine was reset (by the guest or by us).
    Reset,
    /// A device that was plugged in is gone.
    Removed {
        /// The name that it was given.
        name: String,
    },
    /// Something happened on the synthetic bus.
    Bus(BusEvent),
    /// Heartbeats of the integration service, since the machine was started.
    Heartbeat {
        /// Sent to the guest.
        sent: u64,
        /// Answered by it.
        answered: u64,
    },
    /// The guest reported a crash by the platform's crash registers.
    Crashed {
        /// The five registers.
        parameters: [u64; 5],
    },
    /// What came of something that was asked by [`Machine::ask`].
    Answered {
        /// The number that was given back then.
        id: u64,
        /// What came of it.
        answer: Answer,
    },
    /// The process ended. Nothing comes after this.
    Exited {
        /// In words: `exit code 1`, `killed by signal 9`.
        status: String,
        /// The end of what it wrote to its standard error.
        stderr: String,
    },
}

/// Who powered the machine off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerOff {
    /// The guest's own shutdown.
    Guest,
    /// A guest panic.
    GuestPanic,
    /// Us, or a signal.
    Host,
}

/// What the network service has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSeen {
    /// Addresses given out by DHCP.
    pub dhcp_leases: u32,
    /// Echo requests answered.
    pub pings: u32,
    /// Names asked for and answered.
    pub names: u32,
    /// TCP connections taken by the echo service.
    pub connections: u32,
    /// Bytes received by the echo service.
    pub echoed_bytes: u64,
    /// SHA-256 of all bytes that the echo service received on its last connection, hex.
    pub echoed_sha256: String,
    /// Frames that were no sound Ethernet, ARP or IPv4.
    pub malformed: u64,
}

/// A word of CPUID, as a machine gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessorWord {
    /// EAX of the question.
    pub leaf: u32,
    /// ECX of the question.
    pub subleaf: u32,
    /// The register of the answer: 0 is EAX, 3 is EDX.
    pub register: u8,
    /// Its bits.
    pub bits: u32,
}

/// How a machine ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopReport {
    /// In words.
    pub status: String,
    /// The largest resident memory of the process, in bytes, if known.
    pub peak_memory_bytes: Option<u64>,
}

/// Whose implementation of the platform it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Implementation {
    /// The vendor's own package, identified.
    VendorProduct,
    /// QEMU and KVM as a distribution ships them.
    UpstreamBuild,
    /// A compatible machine by others.
    CompatibleImplementation,
}

/// How the processor is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acceleration {
    /// By the processor.
    Hardware,
    /// By a processor that is itself virtual.
    Nested,
    /// In software.
    Emulated,
}

/// What a host is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// `QEMU`.
    pub product: String,
    /// As it says itself.
    pub version: String,
    /// The package that it comes from, if known.
    pub package: Option<String>,
    /// Whose implementation it is.
    pub implementation: Implementation,
    /// How the processor is had.
    pub acceleration: Acceleration,
    /// What showed it, in a sentence.
    pub acceleration_proof: String,
    /// The host's kernel.
    pub host_kernel: String,
    /// The host's processor.
    pub host_cpu: String,
    /// The program that runs machines.
    #[serde(skip)]
    pub program: PathBuf,
}

/// Why a host could not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// Something that is needed is not on this machine.
    #[error("{what} is missing: {remedy}")]
    Missing {
        /// What.
        what: String,
        /// How to get it.
        remedy: String,
    },
    /// Not enough of something.
    #[error("not enough {resource}: {needed} needed, {available} available; {remedy}")]
    Exhausted {
        /// `memory`, `disk space`.
        resource: &'static str,
        /// How much is needed, with unit.
        needed: String,
        /// How much there is, with unit.
        available: String,
        /// The way out.
        remedy: String,
    },
    /// The machine program refused or broke.
    #[error("{action} failed: {detail}")]
    Failed {
        /// What we wanted.
        action: &'static str,
        /// What it said.
        detail: String,
    },
    /// The operating system said no.
    #[error("{action} failed")]
    Io {
        /// What we wanted.
        action: &'static str,
        /// What it said.
        source: std::io::Error,
    },
}
