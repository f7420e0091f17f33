//! The answer as a document.

use detente_guest::Facts;
use detente_guest::check::{LeftOut, Readiness, State};
use serde::Serialize;

use super::support::Said;

/// What `detente check` says of one machine.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    /// Always `detente/readiness/1`.
    pub(super) schema: &'static str,
    /// The disks, as they were named.
    pub(super) disks: Vec<String>,
    /// The operating system.
    pub(super) system: System,
    /// The worst of all profiles.
    pub(super) state: State,
    /// Profiles, findings, gaps.
    #[serde(flatten)]
    pub(super) readiness: Readiness,
    /// Profiles that nobody asked for and that this guest's firmware rules out.
    pub(super) left_out: Vec<LeftOut>,
    /// What vendors say of this release: no part of readiness.
    pub(super) support: Said,
}

/// The operating system, in short.
#[derive(Debug, Serialize)]
pub(super) struct System {
    /// `ID` of os-release.
    pub(super) id: String,
    /// `VERSION_ID`.
    pub(super) version_id: Option<String>,
    /// `PRETTY_NAME`.
    pub(super) pretty_name: String,
}

impl Document {
    pub(super) fn new(
        facts: &Facts,
        disks: Vec<String>,
        readiness: Readiness,
        left_out: Vec<LeftOut>,
        support: Said,
    ) -> Self {
        let system = &facts.operating_system;
        let system = System {
            id: system.id.clone(),
            version_id: system.version_id.clone(),
            pretty_name: system.pretty_name.clone(),
        };
        Self {
            left_out,
            ..Self::of(disks, system, readiness, support)
        }
    }

    /// Of a machine whose root could not be read.
    pub(super) fn unread(disks: Vec<String>, readiness: Readiness, support: Said) -> Self {
        let system = System {
            id: "unknown".to_owned(),
            version_id: None,
            pretty_name: "A system whose root is not among the disks".to_owned(),
        };
        Self::of(disks, system, readiness, support)
    }

    fn of(disks: Vec<String>, system: System, readiness: Readiness, support: Said) -> Self {
        Self {
            schema: "detente/readiness/1",
            disks,
            system,
            state: readiness.worst(),
            readiness,
            left_out: Vec::new(),
            support,
        }
    }
}
