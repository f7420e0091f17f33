//! Where machines run: the [`Host`] trait, QEMU on this machine, a scripted host for tests.
//!
//! A host starts a [`MachineSpec`](detente_machine::MachineSpec) and gives a [`Machine`] back: its
//! events, its consoles, its power button. Whoever holds it decides what they mean.

mod host;
pub mod local;
pub mod network;
pub mod scripted;

pub use host::{
    Acceleration, Host, HostError, HostFacts, Implementation, Machine, MachineEvent, NetworkSeen,
    Port, PowerOff, StopReport,
};
