//! The journal: what was changed, and what it takes to put it back.
//!
//! A journal is a folder, `OUT.journal`: [`JOURNAL_FILE`] with this document, [`BLOB_FOLDER`] with the
//! old bytes, a file each under its SHA-256, and [`TREE_FILE`] with the listing of the source's whole
//! tree.

use serde::{Deserialize, Serialize};

use super::{FileState, Plan};

/// The schema of [`Journal`] as JSON.
pub const JOURNAL_SCHEMA: &str = "detente/prepare-journal/1";
/// The document in a journal's folder.
pub const JOURNAL_FILE: &str = "journal.json";
/// The folder with the old bytes, in a journal's folder.
pub const BLOB_FOLDER: &str = "blobs";
/// The listing of the source's tree, in a journal's folder.
pub const TREE_FILE: &str = "tree.txt";

/// What was changed in a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Always [`JOURNAL_SCHEMA`].
    pub schema: String,
    /// The version of détente that changed it.
    pub tool: String,
    /// The disks as they were, the boot disk first.
    pub source: Vec<DiskImage>,
    /// The disks as they are after, in the same order. `undo` refuses others.
    pub output: Vec<DiskImage>,
    /// What was to be done.
    pub plan: Plan,
    /// What became of each step, in the order in which they were carried out.
    pub results: Vec<StepResult>,
    /// Every file that was changed, by path.
    pub files: Vec<ChangedFile>,
    /// The SHA-256 of [`TREE_FILE`], where it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree_sha256: Option<String>,
}

/// A disk image, and what it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskImage {
    /// Its path, as it was given.
    pub path: String,
    /// Its format: `qcow2`, `vhdx`, `raw`.
    pub format: String,
    /// How large the guest sees it.
    pub size_bytes: u64,
    /// The digest of its content, as `detente image digest` prints it.
    pub content_digest: String,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepResult {
    /// The step's name in the plan.
    pub step: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: StepOutcome,
    /// The last lines that a program printed; not all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
    /// How long it took.
    pub duration_ms: u64,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum StepOutcome {
    /// It was done.
    Done,
    /// The running guest had another file than its disk: nothing was changed.
    Differs {
        /// The file.
        path: String,
        /// What was there.
        found: FileState,
    },
    /// A program ended badly, or something could not be written.
    Failed {
        /// Why.
        why: String,
    },
    /// It was not begun, because a step before it was not done.
    NotBegun,
}

/// A file that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedFile {
    /// The file.
    pub path: String,
    /// The steps that changed it.
    pub steps: Vec<String>,
    /// What was there before: `undo` puts that back.
    pub before: FileState,
    /// What is there after.
    pub after: FileState,
    /// Where in [`BLOB_FOLDER`] the old bytes are; absent where there was no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
}

impl Journal {
    /// Whether every step was done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let done = |result: &StepResult| matches!(result.outcome, StepOutcome::Done);
        self.results.len() == self.plan.steps.len() && self.results.iter().all(done)
    }

    /// The file of this path.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&ChangedFile> {
        self.files.iter().find(|file| file.path == path)
    }
}
