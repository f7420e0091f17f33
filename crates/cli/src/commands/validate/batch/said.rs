//! What is said of one machine of a batch: its run in short, `detente/validated/1`.

use std::path::Path;

use detente_evidence::{Coverage, Outcome, ProfileRun, Run, Verdict};
use serde::{Deserialize, Serialize};

use super::super::exit_code;
use crate::commands::batch::Document;

const SCHEMA: &str = "detente/validated/1";

/// How many failures a line names.
const NAMED: usize = 4;

/// A run in short. The whole is in the folder `run` beside it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Said {
    schema: String,
    /// What tells the machine from what it was before.
    pub(super) job: String,
    folder: String,
    run_id: String,
    guest: String,
    kernel_release: String,
    plan: String,
    plan_version: u32,
    verdict: Verdict,
    complete: bool,
    profiles: Vec<SaidProfile>,
    coverage: Vec<Coverage>,
}

/// One profile of it.
#[derive(Debug, Serialize, Deserialize)]
struct SaidProfile {
    profile: String,
    verdict: Verdict,
    acceleration: String,
    passed: usize,
    passed_with_warning: usize,
    failed: Vec<String>,
    /// Neither passed nor failed, though they apply.
    unseen: Vec<String>,
    skipped: usize,
}

impl Said {
    /// Of a run that is going to be in `folder`.
    pub(super) fn of(run: &Run, folder: &Path, job: &str) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            job: job.to_owned(),
            folder: folder.display().to_string(),
            run_id: run.run_id.clone(),
            guest: run.guest.os.clone(),
            kernel_release: run.guest.kernel_release.clone(),
            plan: run.plan.id.clone(),
            plan_version: run.plan.version,
            verdict: run.verdict,
            complete: run.complete,
            profiles: run.profiles.iter().map(profile).collect(),
            coverage: run.coverage.clone(),
        }
    }

    /// What a run before has said, if it is ours.
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        let said: Self = serde_json::from_slice(json).ok()?;
        (said.schema == SCHEMA).then_some(said)
    }
}

fn profile(part: &ProfileRun) -> SaidProfile {
    let named = |wanted: &dyn Fn(Outcome) -> bool| -> Vec<String> {
        let cases = part.cases.iter().filter(|case| wanted(case.outcome));
        cases.map(|case| case.case_id.clone()).collect()
    };
    let count = |wanted: Outcome| named(&|outcome| outcome == wanted).len();
    SaidProfile {
        profile: part.profile.clone(),
        verdict: part.verdict,
        acceleration: part.platform.acceleration.clone(),
        passed: count(Outcome::Passed),
        passed_with_warning: count(Outcome::PassedWithWarning),
        failed: named(&|outcome| outcome == Outcome::Failed),
        unseen: named(&|outcome| match outcome {
            Outcome::Error | Outcome::NotRun | Outcome::Interrupted | Outcome::NeedsReview => true,
            Outcome::Passed | Outcome::PassedWithWarning | Outcome::Failed | Outcome::Skipped => {
                false
            }
        }),
        skipped: count(Outcome::Skipped),
    }
}

impl Document for Said {
    /// A run is there whatever it says.
    fn is_made(&self) -> bool {
        true
    }

    fn code(&self) -> u8 {
        exit_code(self.verdict)
    }

    fn line(&self) -> String {
        let parts: Vec<String> = self.profiles.iter().map(short).collect();
        let folder = &self.folder;
        // A part of a plan never looks like the whole.
        let verdict = match (self.verdict.word(), self.complete) {
            (word, true) => word.to_owned(),
            (word, false) => format!("{word} (a part of the plan)"),
        };
        format!("{folder}: {verdict}: {}: {}", self.guest, parts.join("; "))
    }
}

/// A profile in a few words.
fn short(part: &SaidProfile) -> String {
    let mut text = format!("{} {}", part.profile, part.verdict.word());
    let bad = part.failed.iter().chain(&part.unseen);
    let named: Vec<&str> = bad.take(NAMED).map(String::as_str).collect();
    let all = part.failed.len().saturating_add(part.unseen.len());
    if !named.is_empty() {
        text.push_str(&format!(" ({}", named.join(", ")));
        if all > named.len() {
            text.push_str(&format!(" and {} more", all.saturating_sub(named.len())));
        }
        text.push(')');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &[u8] = include_bytes!("../../../../../report/tests/sample/run/run.json");
    const SCHEMA_TEXT: &str = include_str!("../../../../../../docs/schemas/validated-1.json");

    fn said() -> Said {
        let run = Run::parse(RUN).unwrap();
        Said::of(&run, Path::new("results/web1"), &"0".repeat(64))
    }

    #[test]
    fn a_machine_in_one_line() {
        assert_eq!(
            said().line(),
            "results/web1: failed: Debian GNU/Linux 12 (bookworm): kvm passed; hyperv-vmbus failed \
             (BOOT-01, BOOT-10, BOOT-02, CPU-01 and 14 more)"
        );
        assert_eq!(said().code(), crate::BAD);
    }

    #[test]
    fn what_is_written_is_as_its_schema_says_and_is_read_again() {
        let schema = serde_json::from_str(SCHEMA_TEXT).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut document = serde_json::to_value(said()).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&document)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
        let again = Said::read(document.to_string().as_bytes()).unwrap();
        assert_eq!(again.line(), said().line());
        document["schema"] = "detente/validated/2".into();
        assert!(!validator.is_valid(&document));
        assert!(Said::read(document.to_string().as_bytes()).is_none());
    }
}
