//! Where machines run: the [`Host`] trait, QEMU on this machine, a scripted host for tests.
//!
//! A host starts a [`LaunchSpec`](detente_machine::LaunchSpec) and gives a [`Machine`] back: its
//! events, its consoles, its power button. Whoever holds it decides what they mean.
//!
//! ```no_run
//! use std::time::{Duration, Instant};
//!
//! use detente_host::{Host, MachineEvent};
//! use detente_host::local::{LocalHost, LocalOptions};
//!
//! # fn spec() -> detente_machine::LaunchSpec { unimplemented!() }
//! let folders = vec!["/usr/bin".into()];
//! let host = LocalHost::find(&LocalOptions { folders, ..LocalOptions::default() })?;
//! let mut machine = host.start(&spec(), "work".as_ref())?;
//! let deadline = Instant::now() + Duration::from_secs(60);
//! while let Some(event) = machine.next_event(deadline)? {
//!     if let MachineEvent::Exited { .. } = event {
//!         break;
//!     }
//! }
//! machine.stop()?;
//! # Ok::<(), detente_host::HostError>(())
//! ```
//!
//! Memory and time are bounded whatever a guest does: ports have bounded queues, the console a
//! limit, and events wait in one channel that stops the guest's ports when nobody takes them.

mod host;
pub mod hyperv;
pub mod lab;
pub mod local;
pub mod network;
mod operation;
pub mod scripted;

pub use host::{
    Acceleration, Host, HostError, HostFacts, Implementation, Machine, MachineEvent, NetworkSeen,
    Port, PowerOff, ProcessorWord, StopReport,
};
pub use operation::{DiskSource, Operated, Operation};
