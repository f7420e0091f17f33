//! The manifest, `detente/manifest/1`: every file of a run, every planned case.

use serde::{Deserialize, Serialize};

use crate::{Outcome, Requirement, Run};

/// What a run's folder must hold, so that nothing can be taken away unseen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`Manifest::SCHEMA`].
    pub schema: String,
    /// The run.
    pub run_id: String,
    /// Every file but the manifest itself, by name.
    pub files: Vec<FileEntry>,
    /// Every case that was planned, with its outcome, in the plan's order.
    pub planned_cases: Vec<PlannedEntry>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path below the run's folder, `/` between parts.
    pub name: String,
    /// Its length.
    pub size_bytes: u64,
    /// SHA-256 of it, hex.
    pub sha256: String,
    /// Its media type.
    pub media_type: String,
}

/// One planned case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedEntry {
    /// The hardware profile.
    pub profile: String,
    /// The case.
    pub case_id: String,
    /// How much the plan wants it.
    pub requirement: Requirement,
    /// How it ended.
    pub outcome: Outcome,
}

impl Manifest {
    /// The schema that this version writes.
    pub const SCHEMA: &'static str = "detente/manifest/1";

    /// The manifest of `run`, whose folder holds `files`.
    #[must_use]
    pub fn of(run: &Run, mut files: Vec<FileEntry>) -> Self {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let planned_cases = run
            .profiles
            .iter()
            .flat_map(|part| part.cases.iter().map(move |case| (part, case)))
            .map(|(part, case)| PlannedEntry {
                profile: part.profile.clone(),
                case_id: case.case_id.clone(),
                requirement: case.requirement,
                outcome: case.outcome,
            })
            .collect();
        Self {
            schema: Self::SCHEMA.to_owned(),
            run_id: run.run_id.clone(),
            files,
            planned_cases,
        }
    }
}
