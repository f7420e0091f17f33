//! `report.tap`: a run as TAP version 14, a subtest for each profile.
//!
//! The point of a profile carries its verdict, so that a harness agrees with the exit code even
//! where a required case could not be shown.

use std::fmt::Write as _;

use detente_evidence::{CaseResult, Outcome, ProfileRun, Requirement, Run, RunKind, Verdict};

use crate::text::shown;
use crate::words;

/// The run as TAP version 14 (<https://testanything.org/tap-version-14-specification.html>).
#[must_use]
pub fn tap(run: &Run) -> String {
    let mut text = String::from("TAP version 14\n");
    let _ = writeln!(text, "1..{}", run.profiles.len());
    comment(&mut text, "", &format!("run: {}", run.run_id));
    comment(&mut text, "", &format!("guest: {}", run.guest.os));
    if !run.faults.is_empty() {
        let faults = format!("faults put in on purpose: {}", run.faults.join(", "));
        comment(&mut text, "", &faults);
    }
    if run.kind == RunKind::Partial {
        comment(
            &mut text,
            "",
            "a partial run: not every case of the plan was chosen",
        );
    }
    for (index, part) in run.profiles.iter().enumerate() {
        profile(&mut text, index.saturating_add(1), part);
    }
    comment(&mut text, "", &format!("verdict: {}", run.verdict.word()));
    text
}

fn profile(text: &mut String, number: usize, part: &ProfileRun) {
    let name = described(&part.profile);
    comment(text, "", &format!("Subtest: {}", part.profile));
    let _ = writeln!(text, "    1..{}", part.cases.len());
    comment(text, "    ", &detente_evidence::statement(part));
    for (index, case) in part.cases.iter().enumerate() {
        point(text, index.saturating_add(1), case);
    }
    let word = match part.verdict {
        Verdict::Passed => "ok",
        Verdict::Failed | Verdict::Incomplete | Verdict::Interrupted => "not ok",
    };
    let _ = writeln!(text, "{word} {number} - {name}: {}", part.verdict.word());
}

/// One case, with what it says as YAML (of which JSON's strings are a part).
fn point(text: &mut String, number: usize, case: &CaseResult) {
    let (word, directive) = directive(case);
    let name = described(&format!("{} {}", case.case_id, case.title));
    let _ = writeln!(text, "    {word} {number} - {name}{directive}");
    let _ = writeln!(text, "      ---");
    let lines = [
        ("outcome", case.outcome.word()),
        ("requirement", words::requirement(case.requirement)),
        ("message", &shown(&case.message)),
    ];
    for (key, value) in lines {
        let _ = writeln!(text, "      {key}: {}", quoted(value));
    }
    let _ = writeln!(text, "      duration_ms: {}", case.duration_ms);
    let _ = writeln!(text, "      ...");
}

/// How TAP says an outcome. What does not count in the verdict is a "to do": harnesses report it
/// and do not fail for it.
fn directive(case: &CaseResult) -> (&'static str, String) {
    match case.outcome {
        Outcome::Passed | Outcome::PassedWithWarning => ("ok", String::new()),
        Outcome::Skipped | Outcome::NotRun => {
            let why = described(&case.message);
            ("ok", format!(" # SKIP {}: {why}", case.outcome))
        }
        Outcome::Failed | Outcome::Error | Outcome::Interrupted | Outcome::NeedsReview => {
            let directive = match case.requirement {
                Requirement::Required => String::new(),
                other => format!(" # TODO {}: {}", words::requirement(other), case.outcome),
            };
            ("not ok", directive)
        }
    }
}

/// A description in one line, `\` and `#` escaped (TAP 14, "Escaping").
fn described(text: &str) -> String {
    shown(text).replace('\\', "\\\\").replace('#', "\\#")
}

fn comment(text: &mut String, indent: &str, said: &str) {
    let _ = writeln!(text, "{indent}# {}", shown(said));
}

/// A string for JSON and YAML alike.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
