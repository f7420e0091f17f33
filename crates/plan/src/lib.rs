//! Test plans, cases and verdicts, and what host and agent say to each other.
//!
//! A [`Plan`] is versioned data with a digest. The agent measures and sends an
//! [`Observation`](protocol::Observation); [`judge`] turns it into a verdict on the host, where
//! the guest cannot reach it.
//!
//! ```
//! use detente_evidence::Outcome;
//! use detente_machine::Topology;
//! use detente_plan::judge::cpu01;
//! use detente_plan::protocol::Cpus;
//!
//! let given = Topology { sockets: 1, cores: 2, threads: 1 };
//! let seen = Cpus {
//!     online: 1, sockets: 1, cores_per_socket: 1, threads_per_core: 1, numa_nodes: 1,
//!     model: String::new(),
//! };
//! let finding = cpu01(&seen, given);
//! assert_eq!(finding.outcome, Outcome::Failed);
//! assert_eq!(finding.message, "online processors 1, given 2; cores per socket 1, given 2");
//! ```
#![forbid(unsafe_code)]

mod condition;
pub mod console;
pub mod judge;
mod plan;
pub mod protocol;
mod responsibility;

pub use condition::Condition;
pub use plan::{Case, CaseId, NotShown, Parameters, Plan, UnknownPlan};
pub use responsibility::Responsibility;
