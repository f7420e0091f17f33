//! The cases: side by side in one table, and each with all that is known of it.

use detente_evidence::{CaseResult, Comparator, Measurement, Outcome, ProfileRun, Run};

use super::head::{Badge, badge};
use crate::text::{clipped, duration, quantity, shown};
use crate::words;

/// The most attempts at a case that a page shows.
const ATTEMPTS_LIMIT: usize = 100;

/// A column of the table.
pub(super) struct Column {
    pub(super) profile: String,
    pub(super) is_control: bool,
}

/// One case on every profile.
pub(super) struct CaseView {
    /// Where the page can be entered: a number, whatever the case is called.
    pub(super) anchor: usize,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) requirement: &'static str,
    /// Whether it shows all at once: where something is to be read.
    pub(super) is_open: bool,
    /// One for each column; a profile that does not have the case says so.
    pub(super) sides: Vec<Side>,
}

/// One case on one profile.
pub(super) struct Side {
    pub(super) profile: String,
    pub(super) is_control: bool,
    pub(super) result: Option<ResultView>,
}

/// What came of it.
pub(super) struct ResultView {
    pub(super) badge: Badge,
    pub(super) took: String,
    pub(super) message: String,
    pub(super) checks: Vec<(Badge, String, String)>,
    pub(super) measurements: Vec<Measured>,
    /// Every attempt with what it said, if there was more than one.
    pub(super) attempts: Vec<(Badge, String)>,
    pub(super) details: String,
}

/// A measured value against its limit.
pub(super) struct Measured {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) limit: String,
    /// How much of the limit was used, in percent, where there is an upper one.
    pub(super) used: Option<String>,
}

/// The profiles that were run, then the control runs.
pub(super) fn columns(run: &Run) -> Vec<Column> {
    parts(run)
        .map(|(part, is_control)| Column {
            profile: shown(&part.profile),
            is_control,
        })
        .collect()
}

/// Every case of every profile, in the order of the plan.
pub(super) fn cases(run: &Run) -> Vec<CaseView> {
    let mut known: Vec<&CaseResult> = Vec::new();
    for case in parts(run).flat_map(|(part, _)| &part.cases) {
        if known.iter().all(|other| other.case_id != case.case_id) {
            known.push(case);
        }
    }
    known
        .iter()
        .enumerate()
        .map(|(anchor, case)| view(run, anchor, case))
        .collect()
}

fn parts(run: &Run) -> impl Iterator<Item = (&ProfileRun, bool)> {
    let controls = run.controls.iter().map(|part| (part, true));
    run.profiles
        .iter()
        .map(|part| (part, false))
        .chain(controls)
}

fn view(run: &Run, anchor: usize, first: &CaseResult) -> CaseView {
    let of = |part: &ProfileRun| -> Option<ResultView> {
        let mut cases = part.cases.iter();
        cases.find(|case| case.case_id == first.case_id).map(result)
    };
    let outcomes = parts(run)
        .flat_map(|(part, _)| &part.cases)
        .filter(|case| case.case_id == first.case_id);
    CaseView {
        anchor,
        id: shown(&first.case_id),
        title: shown(&first.title),
        requirement: words::requirement(first.requirement),
        is_open: outcomes.into_iter().any(|case| is_to_be_read(case.outcome)),
        sides: parts(run)
            .map(|(part, is_control)| Side {
                profile: shown(&part.profile),
                is_control,
                result: of(part),
            })
            .collect(),
    }
}

fn is_to_be_read(outcome: Outcome) -> bool {
    !matches!(
        outcome,
        Outcome::Passed | Outcome::Skipped | Outcome::NotRun
    )
}

fn result(case: &CaseResult) -> ResultView {
    let checks = case.checks.iter().map(|check| {
        let name = clipped(&check.name, 120);
        (badge(check.outcome), name, shown(&check.message))
    });
    ResultView {
        badge: badge(case.outcome),
        took: match case.duration_ms {
            0 => String::new(),
            ms => duration(ms),
        },
        message: shown(&case.message),
        checks: checks.collect(),
        measurements: case.measurements.iter().map(measured).collect(),
        attempts: attempts(case),
        details: details(case),
    }
}

/// Every attempt, where there was more than one.
fn attempts(case: &CaseResult) -> Vec<(Badge, String)> {
    if case.attempts.len() < 2 {
        return Vec::new();
    }
    let attempts = case.attempts.iter().take(ATTEMPTS_LIMIT);
    attempts
        .map(|own| (badge(own.outcome), clipped(&own.message, 200)))
        .collect()
}

/// What carried it, and where more is to be found.
fn details(case: &CaseResult) -> String {
    let mut details = format!("Seen by: {}", clipped(&case.channel, 40));
    let code = case.reason_code.as_deref();
    if let Some(code) = code.filter(|code| *code != case.outcome.word()) {
        details.push_str(&format!(". Reason: {}", clipped(code, 80)));
    }
    if !case.evidence.is_empty() {
        details.push_str(&format!(
            ". Files: {}",
            clipped(&case.evidence.join(", "), 400)
        ));
    }
    details
}

fn measured(measurement: &Measurement) -> Measured {
    let unit = measurement.unit.as_str();
    let limit = match (measurement.limit, measurement.comparator) {
        (Some(limit), Some(comparator)) => {
            format!("{} {}", sign(comparator), quantity(limit, unit))
        }
        (Some(limit), None) => quantity(limit, unit),
        (None, _) => "none".to_owned(),
    };
    Measured {
        name: clipped(&measurement.name, 120),
        value: quantity(measurement.value, unit),
        limit,
        used: used(measurement),
    }
}

fn sign(comparator: Comparator) -> &'static str {
    match comparator {
        Comparator::Equal => "exactly",
        Comparator::AtMost => "at most",
        Comparator::AtLeast => "at least",
    }
}

/// How much of an upper limit was used.
fn used(measurement: &Measurement) -> Option<String> {
    let limit = measurement.limit.filter(|limit| *limit > 0.0)?;
    let is_upper = measurement.comparator == Some(Comparator::AtMost);
    let share = (measurement.value / limit * 100.0).clamp(0.0, 100.0);
    is_upper.then(|| format!("{share:.1}"))
}
