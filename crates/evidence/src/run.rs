//! The run document, `detente/run/1`.

use serde::{Deserialize, Serialize};

use crate::document::{self, ParseError};
use crate::{Coverage, Outcome, Requirement, Verdict};

/// One run: one guest, one plan, one or more hardware profiles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`Run::SCHEMA`].
    pub schema: String,
    /// Names the run; also in the plan's orders to the agent.
    pub run_id: String,
    /// What the run may be used for.
    pub kind: RunKind,
    /// Faults that were put in on purpose; a run with any is a test of the tool.
    pub faults: Vec<String>,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC.
    pub finished_at: String,
    /// The program that made this document.
    pub tool: ToolRecord,
    /// The program that ran inside the guest.
    pub agent: AgentRecord,
    /// The plan.
    pub plan: PlanRecord,
    /// What of the plan was chosen, if it was not the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<SelectionRecord>,
    /// How often every case was run, if more than once.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub repetitions: u32,
    /// The user's own cases, which are not of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_cases: Vec<OwnCaseRecord>,
    /// The guest's disks.
    pub images: Vec<ImageRecord>,
    /// What the disks hold.
    pub guest: GuestRecord,
    /// One entry for each hardware profile.
    pub profiles: Vec<ProfileRun>,
    /// Runs made only to tell whether a failure follows the guest or the platform; they do not
    /// count in the verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<ProfileRun>,
    /// Whether every planned case of every profile has a result that is not an interruption.
    pub complete: bool,
    /// The verdict over all profiles.
    pub verdict: Verdict,
    /// How much of the required set was really run ([`coverage`](crate::coverage())).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coverage: Vec<Coverage>,
}

fn once() -> u32 {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_once(count: &u32) -> bool {
    *count == 1
}

impl Run {
    /// The schema that this version writes.
    pub const SCHEMA: &'static str = "detente/run/1";

    /// Reads a run.
    ///
    /// # Errors
    /// [`ParseError`]: no JSON, another document, or a newer schema than [`Run::SCHEMA`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        document::parse(bytes, Self::SCHEMA)
    }
}

/// What a run may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// A run of a whole plan, not made for a program.
    Unofficial,
    /// A run of a part of a plan: whatever it says, it says nothing of the rest.
    Partial,
    /// A run with faults put in on purpose: it says nothing about the guest.
    FaultInjected,
}

/// The program that made the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolRecord {
    /// `detente`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its file, hex.
    pub sha256: String,
}

/// The program that ran inside the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRecord {
    /// SHA-256 of the embedded file, hex.
    pub sha256: String,
    /// Its length.
    pub size_bytes: u64,
}

/// The plan that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRecord {
    /// Its name.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// SHA-256 of its canonical form, hex.
    pub digest: String,
}

/// What of a plan was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectionRecord {
    /// The cases that were asked for; none: all but those that were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<String>,
    /// The cases that were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// The earlier run of which only what did not pass was run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<String>,
}

/// A case of the user's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnCaseRecord {
    /// `USER-` and the file's name.
    pub case_id: String,
    /// SHA-256 of the file, hex.
    pub sha256: String,
}

/// One disk of the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// The file's name, without its folder.
    pub name: String,
    /// `raw`, `qcow2`.
    pub format: String,
    /// How long the disk is for the guest.
    pub virtual_size_bytes: u64,
    /// How many files its chain has.
    pub chain_length: u32,
    /// The content before and after.
    pub digest: DigestRecord,
}

/// A disk's content before and after a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestRecord {
    /// `detente/content-digest/1`.
    pub method: String,
    /// Taken while the guest booted, hex; absent if it could not be.
    pub before: Option<String>,
    /// Taken after the last machine had ended, hex; absent if it could not be.
    pub after: Option<String>,
}

/// What the disks hold, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestRecord {
    /// `PRETTY_NAME`.
    pub os: String,
    /// os-release `ID`.
    pub os_id: String,
    /// os-release `VERSION_ID`.
    pub os_version: String,
    /// Release of the kernel that the guest would boot.
    pub kernel_release: String,
    /// Boot loader and the entry's title.
    pub boot_entry: String,
    /// The guest's own command line.
    pub cmdline: String,
}

/// One hardware profile's part of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileRun {
    /// Its name.
    pub profile: String,
    /// What the machine ran on.
    pub platform: PlatformRecord,
    /// The machine.
    pub machine: MachineRecord,
    /// How often it was started.
    pub boots: u32,
    /// What happened while the machine was on, in order. Absent in documents of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepRecord>,
    /// One result for each planned case.
    pub cases: Vec<CaseResult>,
    /// What this run does not show, each with the reason.
    pub not_proved: Vec<String>,
    /// What this is and what it is not, word for word ([`statement`](crate::statement())).
    pub statement: String,
    /// The verdict over this profile.
    pub verdict: Verdict,
}

/// A step of a machine's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// In a few words.
    pub text: String,
    /// Since the machine was started.
    pub elapsed_ms: u64,
}

/// What a machine ran on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformRecord {
    /// `QEMU`.
    pub product: String,
    /// Its version.
    pub version: String,
    /// The package that it comes from.
    pub package: Option<String>,
    /// `vendor_product`, `upstream_build`, `compatible_implementation`.
    pub implementation: String,
    /// `hardware`, `nested`, `emulated`.
    pub acceleration: String,
    /// What showed it.
    pub acceleration_proof: String,
    /// The host's kernel.
    pub host_kernel: String,
    /// The host's processor.
    pub host_cpu: String,
}

/// The machine as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineRecord {
    /// Processors.
    pub vcpus: u32,
    /// Memory.
    pub memory_mib: u64,
    /// The command line with our additions.
    pub cmdline: String,
    /// What was added to the guest's own command line, and why.
    pub cmdline_additions: Vec<String>,
}

/// The result of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    /// `BOOT-01`.
    pub case_id: String,
    /// What the case shows, in a few words.
    pub title: String,
    /// How much the plan wants it.
    pub requirement: Requirement,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, for programs: `emulated`, `timeout`, `not_applicable`, ….
    pub reason_code: Option<String>,
    /// Why, in a sentence with the measurement and the limit.
    pub message: String,
    /// How long it took.
    pub duration_ms: u64,
    /// The single checks that the case is made of.
    pub checks: Vec<Check>,
    /// What was measured.
    pub measurements: Vec<Measurement>,
    /// Every attempt. Of retries the last one decides, of repetitions the worst.
    pub attempts: Vec<Attempt>,
    /// Files of the run's folder that belong to it.
    pub evidence: Vec<String>,
    /// What carried it: `agent`, `console`, `qmp`, `tool`, `services`.
    pub channel: String,
    /// For a case that failed: what the same case did on the other side's hardware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlRecord>,
}

/// A control run: the same case on other virtual hardware, to tell whose fault a failure is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlRecord {
    /// The profile of the control run.
    pub profile: String,
    /// How the case ended there.
    pub outcome: Outcome,
    /// What that says.
    pub follows: Follows,
}

/// What a failure follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Follows {
    /// It fails on the other hardware too.
    Guest,
    /// It passes on the other hardware.
    Platform,
    /// The control run does not tell.
    Undetermined,
}

impl Follows {
    /// In words, for tables.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Guest => "follows the guest",
            Self::Platform => "follows the platform",
            Self::Undetermined => "cannot be told",
        }
    }
}

/// One check of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What is checked.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// In a sentence.
    pub message: String,
}

/// One attempt at a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// How it ended.
    pub outcome: Outcome,
    /// When it began, since its machine was started.
    pub started_ms: u64,
    /// How long it took. This and what follows is said where there are several attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Why, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<String>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Files of the run's folder that belong to this attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

impl Attempt {
    /// An attempt of which the case's own fields say the rest.
    #[must_use]
    pub fn only(outcome: Outcome, started_ms: u64) -> Self {
        Self {
            outcome,
            started_ms,
            duration_ms: None,
            reason_code: None,
            message: String::new(),
            evidence: Vec::new(),
        }
    }
}

impl CaseResult {
    /// The reason code of a case that the user did not choose.
    pub const NOT_SELECTED: &'static str = "not_selected";

    /// The reason code of a case that does not apply.
    pub const NOT_APPLICABLE: &'static str = "not_applicable";

    /// The reason code of a case that applies to a profile which cannot show it.
    pub const NOT_SHOWN: &'static str = "not_shown";

    /// Whether the case was left out by the user.
    #[must_use]
    pub fn is_not_selected(&self) -> bool {
        self.outcome == Outcome::Skipped && self.has_reason(Self::NOT_SELECTED)
    }

    /// What the case means for a verdict. What a profile cannot show, by the plan's own word, is
    /// not asked of it: it is reported, and counts against what the run covers.
    #[must_use]
    pub fn weight(&self) -> (Requirement, Outcome) {
        let unasked = self.outcome == Outcome::NotRun && self.has_reason(Self::NOT_SHOWN);
        let requirement = if unasked {
            Requirement::Optional
        } else {
            self.requirement
        };
        (requirement, self.outcome)
    }

    fn has_reason(&self, code: &str) -> bool {
        self.reason_code.as_deref() == Some(code)
    }
}

impl ProfileRun {
    /// How many of its cases were chosen, and how many apply, if the user chose.
    #[must_use]
    pub fn chosen(&self) -> Option<(usize, usize)> {
        let applies = |case: &&CaseResult| {
            case.outcome != Outcome::Skipped || !case.has_reason(CaseResult::NOT_APPLICABLE)
        };
        let cases = || self.cases.iter().filter(applies);
        let all = cases().count();
        let left_out = cases().filter(|case| case.is_not_selected()).count();
        (left_out > 0).then(|| (all.saturating_sub(left_out), all))
    }
}

/// One measured value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what: `bytes`, `ms`, `count`.
    pub unit: String,
    /// The limit it was held against, if any.
    pub limit: Option<f64>,
    /// How.
    pub comparator: Option<Comparator>,
}

/// How a value is held against its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparator {
    /// Must be equal.
    Equal,
    /// Must not be more.
    AtMost,
    /// Must not be less.
    AtLeast,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn what_is_written_is_read() {
        let run = sample::run();
        let bytes = serde_json::to_vec_pretty(&run).unwrap();
        assert_eq!(Run::parse(&bytes).unwrap(), run);
    }

    #[test]
    fn a_newer_run_is_refused() {
        let newer = Run {
            schema: "detente/run/2".to_owned(),
            ..sample::run()
        };
        let bytes = serde_json::to_vec(&newer).unwrap();
        assert_eq!(
            Run::parse(&bytes).unwrap_err().to_string(),
            "the document is detente/run/2, which is newer than detente/run/1: \
             read it with a newer version of this program"
        );
    }

    #[test]
    fn each_field_is_wanted() {
        let whole = serde_json::to_value(sample::run()).unwrap();
        for name in whole.as_object().unwrap().keys() {
            let mut spoiled = whole.clone();
            spoiled.as_object_mut().unwrap().remove(name);
            let bytes = serde_json::to_vec(&spoiled).unwrap();
            assert!(Run::parse(&bytes).is_err(), "without {name}");
        }
    }

    #[test]
    fn an_outcome_that_there_is_not_is_refused() {
        let text = serde_json::to_string(&sample::run()).unwrap();
        let spoiled = text.replace("\"passed_with_warning\"", "\"certified\"");
        assert_ne!(text, spoiled);
        assert!(matches!(
            Run::parse(spoiled.as_bytes()),
            Err(ParseError::Json { .. })
        ));
    }
}
