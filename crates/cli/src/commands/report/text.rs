//! The report for terminals: the table of the run, and what changed.

use detente_evidence::{Outcome, Run};
use detente_report::{CaseChange, Differences};

use crate::commands::validate::table;
use crate::page::clean;

/// The run as text; texts of the guest steer no terminal.
pub(super) fn text(run: &Run, changes: Option<&Differences>) -> String {
    let mut lines = table::table(run);
    if let Some(changes) = changes {
        lines.push(String::new());
        lines.extend(changed(changes));
    }
    let mut text = String::new();
    for line in lines.iter().skip_while(|line| line.is_empty()) {
        text.push_str(&clean(line));
        text.push('\n');
    }
    text
}

/// What changed, a line for each.
fn changed(changes: &Differences) -> Vec<String> {
    let since = format!(
        "since {} ({}):",
        changes.earlier_run_id, changes.earlier_started_at
    );
    if changes.is_empty() {
        return vec![format!("{since} nothing changed")];
    }
    let mut lines = vec![since];
    for (what, cases) in [
        ("new failure", &changes.new_failures),
        ("mended", &changes.mended),
        ("changed", &changes.other),
    ] {
        lines.extend(cases.iter().map(|case| line(what, case)));
    }
    lines.extend(changes.measurements.iter().map(|moved| {
        format!(
            "  measured: {} {} {}: {} {unit}, was {} {unit}",
            moved.profile,
            moved.case_id,
            moved.name,
            moved.after,
            moved.before,
            unit = moved.unit
        )
    }));
    lines.extend(changes.settings.iter().map(|setting| {
        format!(
            "  not the same: {}: {}, was {}",
            setting.name, setting.after, setting.before
        )
    }));
    lines
}

fn line(what: &str, case: &CaseChange) -> String {
    let word = |outcome: Option<Outcome>| outcome.map_or("not there", Outcome::word);
    format!(
        "  {what}: {} {} {}: {}, was {}: {}",
        case.profile,
        case.case_id,
        case.title,
        word(case.after),
        word(case.before),
        case.message
    )
}
