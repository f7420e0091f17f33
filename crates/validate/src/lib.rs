//! Plan, guest and host in, run out.
//!
//! [`validate`] boots a guest on each hardware profile, runs a plan's cases inside it, and writes
//! the run's folder. It draws nothing: an [`Observer`] is told what happens.
//!
//! ```
//! use detente_validate::Fault;
//!
//! // Faults spoil a machine on purpose, so that a case must fail.
//! let fault: Fault = "vcpus".parse()?;
//! assert_eq!(fault.case().name(), "CPU-01");
//! # Ok::<(), detente_validate::UnknownFault>(())
//! ```
#![forbid(unsafe_code)]

mod agent;
mod attempts;
mod cases;
mod chain;
mod condition;
mod console;
mod control;
mod digests;
mod error;
mod fault;
mod folder;
mod guest_disks;
mod hold;
mod left_out;
mod limits;
mod link;
mod machine;
mod observer;
mod own_case;
mod passes;
mod payload;
mod picture;
pub mod prepare;
mod profile;
mod record;
mod request;
mod rescue;
mod results;
mod root_mount;
mod root_state;
mod run;
mod scope;
mod session;
#[cfg(test)]
mod tests;

pub use error::ValidateError;
pub use fault::{Fault, UnknownFault};
pub use observer::{Observer, Progress};
pub use own_case::{OwnCase, OwnCaseError};
pub use request::{Column, Control, DiskInput, Request};
pub use run::validate;
pub use scope::{Rerun, Scope};
