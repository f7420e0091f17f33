//! The table at the end of a run.

use detente_evidence::{CaseResult, Coverage, Outcome, ProfileRun, Run, RunKind};

/// The run as lines: what was tested, a row for each case, a column for each profile, the verdict.
pub(crate) fn table(run: &Run) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        format!("{}  {}", run.guest.os, run.guest.kernel_release),
        header(run),
    ];
    let rows = run
        .profiles
        .first()
        .map(|part| part.cases.len())
        .unwrap_or_default();
    lines.extend((0..rows).filter_map(|row| case_row(run, row)));
    lines.push(String::new());
    lines.extend(run.profiles.iter().flat_map(remarks));
    lines.extend(
        run.profiles
            .iter()
            .map(|part| format!("{}: {}", part.profile, part.statement)),
    );
    if run.kind == RunKind::FaultInjected {
        lines.push(format!(
            "Faults were put in on purpose: {}.",
            run.faults.join(", ")
        ));
    }
    lines.push(String::new());
    lines.extend(run.coverage.iter().map(figure));
    lines.push(String::new());
    lines.push(verdict(run));
    lines
}

/// How much of the required set was run, for one pair.
fn figure(figure: &Coverage) -> String {
    let Coverage {
        system,
        hardware,
        required,
        seen,
        not_run,
        ..
    } = figure;
    let name = format!("{system} on {hardware}:");
    match not_run {
        Some(why) => format!("{name:<42} not run: {why}"),
        None => format!("{name:<42} {seen} of {required} required results seen"),
    }
}

/// The last line. A part of a plan never looks like the whole.
fn verdict(run: &Run) -> String {
    let word = run.verdict.word();
    let chosen: Vec<String> = run
        .profiles
        .iter()
        .filter_map(|part| {
            let (chosen, all) = part.chosen()?;
            Some(format!("{chosen} of {all} cases on {}", part.profile))
        })
        .collect();
    if chosen.is_empty() {
        format!("verdict: {word}")
    } else {
        format!("verdict of a partial run ({}): {word}", chosen.join(", "))
    }
}

fn header(run: &Run) -> String {
    let columns: String = run
        .profiles
        .iter()
        .map(|part| format!(" {:<22}", part.profile))
        .collect();
    format!("{:<44}{columns}", "").trim_end().to_owned()
}

fn case_row(run: &Run, row: usize) -> Option<String> {
    let first = run.profiles.first()?.cases.get(row)?;
    let cells: String = run
        .profiles
        .iter()
        .filter_map(|part| part.cases.get(row))
        .map(|case| format!(" {} {:<20}", mark(case.outcome), case.outcome.word()))
        .collect();
    // The user's own cases may have longer names.
    let name = format!("{:<8} {}", first.case_id, first.title);
    Some(format!("{name:<44}{cells}").trim_end().to_owned())
}

/// A line for each case that did not simply pass; what was not run stands in the statement.
fn remarks(part: &ProfileRun) -> Vec<String> {
    part.cases
        .iter()
        .filter(|case| {
            !matches!(
                case.outcome,
                Outcome::Passed | Outcome::Skipped | Outcome::NotRun
            )
        })
        .map(|case| {
            format!(
                "{} {}: {}: {}{}",
                part.profile,
                case.case_id,
                case.outcome,
                case.message,
                follows(case)
            )
        })
        .collect()
}

/// What the control run says, if there was one.
fn follows(case: &CaseResult) -> String {
    let Some(control) = &case.control else {
        return String::new();
    };
    format!(
        " [{}: {} on {}]",
        control.follows.words(),
        control.outcome,
        control.profile
    )
}

/// One sign for an outcome; the word stands beside it.
pub(super) fn mark(outcome: Outcome) -> char {
    match outcome {
        Outcome::Passed => '✓',
        Outcome::PassedWithWarning => '!',
        Outcome::Failed => '✗',
        Outcome::Error => 'E',
        Outcome::Skipped => '-',
        Outcome::NotRun => '○',
        Outcome::Interrupted => '×',
        Outcome::NeedsReview => '?',
    }
}
