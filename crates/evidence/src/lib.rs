//! The record of a run: what was run on what, what each case saw, and the manifest of its files.
//!
//! Formats only: the documents (`run.json`, `manifest.json`, `junit.xml`) and their meaning. Who
//! writes them to a folder, and when, is the caller's affair.
//!
//! ```
//! use detente_evidence::{Outcome, Requirement, Verdict};
//!
//! let seen = [(Requirement::Required, Outcome::Passed), (Requirement::Advisory, Outcome::Failed)];
//! assert_eq!(Verdict::of(seen), Verdict::Passed);
//!
//! let unseen = [(Requirement::Required, Outcome::NotRun)];
//! assert_eq!(Verdict::of(unseen), Verdict::Incomplete);
//! ```
#![forbid(unsafe_code)]

mod coverage;
mod document;
mod junit;
mod manifest;
mod outcome;
mod run;
#[cfg(test)]
mod sample;
mod statement;

pub use coverage::{Coverage, Hardware, System, coverage};
pub use document::ParseError;
pub use junit::junit;
pub use manifest::{FileEntry, Manifest, PlannedEntry};
pub use outcome::{Outcome, Requirement, Verdict};
pub use run::{
    AgentRecord, Attempt, CaseResult, Check, Comparator, ControlRecord, DigestRecord, Follows,
    GuestRecord, ImageRecord, MachineRecord, Measurement, OwnCaseRecord, PlanRecord,
    PlatformRecord, ProfileRun, Run, RunKind, SelectionRecord, StepRecord, ToolRecord,
};
pub use statement::statement;
