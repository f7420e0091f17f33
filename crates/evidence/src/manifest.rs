//! The manifest, `detente/manifest/1`: every file of a run, every planned case.

use serde::{Deserialize, Serialize};

use crate::document::{self, ParseError};
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

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ParseError`]: no JSON, another document, or a newer schema than [`Manifest::SCHEMA`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        document::parse(bytes, Self::SCHEMA)
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn file(name: &str) -> FileEntry {
        FileEntry {
            name: name.to_owned(),
            size_bytes: 1,
            sha256: "aa".to_owned(),
            media_type: "text/plain".to_owned(),
        }
    }

    fn manifest() -> Manifest {
        let files = vec![file("run.json"), file("kvm/console.log"), file("junit.xml")];
        Manifest::of(&sample::run(), files)
    }

    #[test]
    fn every_planned_case_of_every_profile_is_there_in_order() {
        let cases: Vec<_> = manifest()
            .planned_cases
            .into_iter()
            .map(|case| (case.profile, case.case_id, case.requirement, case.outcome))
            .collect();
        let row = |profile: &str, case: &str, requirement, outcome| {
            (profile.to_owned(), case.to_owned(), requirement, outcome)
        };
        use Requirement::{Advisory, Required};
        let expect = [
            row("kvm", "BOOT-01", Required, Outcome::Passed),
            row("kvm", "STO-01", Required, Outcome::Failed),
            row("kvm", "RNG-01", Advisory, Outcome::Error),
            row(
                "kvm-legacy",
                "BOOT-01",
                Required,
                Outcome::PassedWithWarning,
            ),
            row("kvm-legacy", "STO-01", Required, Outcome::NotRun),
            row("kvm-legacy", "RNG-01", Advisory, Outcome::Skipped),
        ];
        assert_eq!(cases, expect);
    }

    #[test]
    fn files_are_sorted_by_name() {
        let names: Vec<_> = manifest().files.into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["junit.xml", "kvm/console.log", "run.json"]);
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = serde_json::to_vec(&manifest()).unwrap();
        assert_eq!(Manifest::parse(&bytes).unwrap(), manifest());
    }

    #[test]
    fn a_run_is_no_manifest() {
        let bytes = serde_json::to_vec(&sample::run()).unwrap();
        assert_eq!(
            Manifest::parse(&bytes).unwrap_err().to_string(),
            "the document is \"detente/run/1\"; detente/manifest/1 was expected"
        );
    }

    #[test]
    fn a_newer_manifest_is_refused() {
        let newer = Manifest {
            schema: "detente/manifest/2".to_owned(),
            ..manifest()
        };
        let bytes = serde_json::to_vec(&newer).unwrap();
        let error = Manifest::parse(&bytes).unwrap_err();
        assert!(matches!(error, ParseError::Newer { .. }), "{error}");
    }
}
