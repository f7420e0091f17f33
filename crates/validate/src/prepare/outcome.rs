//! What came of it: the document `detente/prepare-result/1`.

use detente_guest::check::{Profile as Hardware, ProfileReadiness, State};
use detente_guest::prepare::{Left, StepResult, Whose};
use serde::Serialize;

/// The schema of [`PrepareOutcome`] as JSON.
pub const RESULT_SCHEMA: &str = "detente/prepare-result/1";

/// What came of preparing, or of undoing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PrepareOutcome {
    /// Always [`RESULT_SCHEMA`].
    pub schema: &'static str,
    /// What was done.
    pub action: Action,
    /// The machine on which it was done; none where nothing was to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineUsed>,
    /// What became of each step.
    pub steps: Vec<StepResult>,
    /// The disks that were made, in the order of the images.
    pub disks: Vec<DiskMade>,
    /// The journal's folder, if there is anything to be undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// How ready the guest is now, for each hardware that was asked for.
    pub readiness: Vec<ProfileReadiness>,
    /// Rules that a step was to mend and that are broken still; empty if all is well.
    pub still_broken: Vec<StillBroken>,
    /// What is left to others.
    pub left: Vec<Left>,
    /// Differences that the guest itself has made, by booting; of undoing only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differences: Option<Differences>,
    /// How long each part took.
    pub took: Took,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The guest was changed.
    Prepared,
    /// Nothing was to be done; the disks were copied as they are, if a new name was given.
    NothingToDo,
    /// The changes were taken back.
    Undone,
}

/// The machine on which a guest was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MachineUsed {
    /// Its hardware.
    pub profile: String,
    /// Why this one.
    pub why: String,
    /// Who showed it: `QEMU 7.2`.
    pub host: String,
    /// How its processor was had.
    pub acceleration: detente_host::Acceleration,
}

/// A disk that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiskMade {
    /// The image that it was made of.
    pub source: String,
    /// Where it is.
    pub path: String,
    /// Its format: `qcow2`.
    pub format: String,
    /// The digest of its content; absent where it was a copy and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_digest: Option<String>,
    /// Where the old file is, if it was replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// A rule that is broken though a step was to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StillBroken {
    /// The rule.
    pub rule: String,
    /// The hardware.
    pub profiles: Vec<Hardware>,
    /// What shows it.
    pub evidence: Vec<String>,
}

/// Where the undone disk differs from the disk before it was prepared, beside times of access.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// How many files differ.
    pub count: u64,
    /// The first of them, by path.
    pub files: Vec<Difference>,
    /// How many files were compared, of which how many by their bytes.
    pub compared: u64,
    /// See above.
    pub by_bytes: u64,
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// The file.
    pub path: String,
    /// How.
    pub how: How,
    /// Whose doing it is.
    pub whose: Whose,
}

/// How a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is of another kind.
    Kind,
    /// It has other bytes.
    Content,
    /// It has other permissions.
    Mode,
    /// It has another length, or was written to at another time; its bytes were not compared.
    Touched,
}

/// How long each part took, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Took {
    /// From the machine's start until it could be changed.
    pub boot_ms: u64,
    /// The steps.
    pub steps_ms: u64,
    /// From the last step until the power was off.
    pub shutdown_ms: u64,
    /// Looking at the result.
    pub check_ms: u64,
    /// Writing the disks.
    pub write_ms: u64,
    /// All together.
    pub total_ms: u64,
}

impl PrepareOutcome {
    /// The worst state of the guest, over all hardware that was asked for.
    #[must_use]
    pub fn worst(&self) -> Option<State> {
        self.readiness.iter().map(|profile| profile.state).max()
    }
}
