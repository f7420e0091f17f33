//! The Hyper-V-compatible machine: on this host's KVM where that works, else in the lab
//! ([`crate::lab`]). It is not Hyper-V.

mod config;
mod launch;
mod log;
mod machine;
mod network;
mod stream;

pub use config::Shown;
pub(crate) use config::{Found, config, whole};
pub(crate) use launch::{Joined, join};
pub(crate) use machine::{Ender, HypervMachine};

/// What the machine is called. It is not Hyper-V.
pub const PRODUCT: &str = "détente's Hyper-V-compatible machine";
