//! What a judge says.

use detente_evidence::{Check, Comparator, Measurement, Outcome};

/// A verdict over one case, with the checks that it is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// How the case ended.
    pub outcome: Outcome,
    /// Why, for programs.
    pub reason_code: Option<String>,
    /// Why, in a sentence.
    pub message: String,
    /// The single checks.
    pub checks: Vec<Check>,
    /// What was measured.
    pub measurements: Vec<Measurement>,
}

impl Finding {
    /// A finding with nothing but an outcome and a sentence.
    #[must_use]
    pub fn plain(outcome: Outcome, reason_code: &str, message: impl Into<String>) -> Self {
        Self {
            outcome,
            reason_code: Some(reason_code.to_owned()),
            message: printable(&message.into()),
            checks: Vec::new(),
            measurements: Vec::new(),
        }
    }

    /// A finding made of checks: the worst one decides, and the message is that of all the checks
    /// with that outcome. What was not run in a check does not spoil the others, but is said.
    /// Without any check nothing is known: an error. Messages quote the guest, so whatever would
    /// move a terminal's cursor is taken out of them.
    #[must_use]
    pub fn of_checks(mut checks: Vec<Check>, measurements: Vec<Measurement>) -> Self {
        if checks.is_empty() {
            return Self::plain(Outcome::Error, "nothing_checked", "nothing was checked");
        }
        for check in &mut checks {
            check.message = printable(&check.message);
        }
        let outcome = checks
            .iter()
            .map(|check| check.outcome)
            .max_by_key(|outcome| weight(*outcome))
            .unwrap_or(Outcome::Error);
        let said = |wanted: Outcome| {
            let texts: Vec<_> = checks
                .iter()
                .filter(|check| check.outcome == wanted)
                .map(|check| check.message.as_str())
                .collect();
            texts.join("; ")
        };
        let mut message = said(outcome);
        let unseen = said(Outcome::NotRun);
        if outcome != Outcome::NotRun && !unseen.is_empty() {
            message = format!("{message} (not run: {unseen})");
        }
        let reason_code = match outcome {
            Outcome::Passed => None,
            other => Some(other.word().to_owned()),
        };
        Self {
            outcome,
            reason_code,
            message,
            checks,
            measurements,
        }
    }
}

/// How much an outcome weighs among the checks of one case. What does not apply weighs least, so
/// that it never hides what could not be shown.
fn weight(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Skipped => 0,
        Outcome::NotRun => 1,
        Outcome::Passed => 2,
        Outcome::PassedWithWarning => 3,
        Outcome::NeedsReview => 4,
        Outcome::Interrupted => 5,
        Outcome::Error => 6,
        Outcome::Failed => 7,
    }
}

/// The text without control characters.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

/// A check whose outcome is neither passed nor failed.
pub(super) fn check_as(name: &str, outcome: Outcome, message: impl Into<String>) -> Check {
    Check {
        name: name.to_owned(),
        outcome,
        message: message.into(),
    }
}

/// A check that passes if `holds`, and says what was seen either way.
pub(super) fn check(name: &str, holds: bool, message: impl Into<String>) -> Check {
    let outcome = if holds {
        Outcome::Passed
    } else {
        Outcome::Failed
    };
    check_as(name, outcome, message)
}

/// Milliseconds as `12.3 s`.
pub(super) fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

/// Names, or that there are none.
pub(super) fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}

/// A measured value with its limit.
pub(super) fn measured(
    name: &str,
    value: f64,
    unit: &str,
    limit: Option<(Comparator, f64)>,
) -> Measurement {
    Measurement {
        name: name.to_owned(),
        value,
        unit: unit.to_owned(),
        limit: limit.map(|(_, limit)| limit),
        comparator: limit.map(|(comparator, _)| comparator),
    }
}

/// A count or size as the number that documents carry. Above 2^53 it is rounded.
#[expect(
    clippy::cast_precision_loss,
    reason = "documents carry doubles; sizes stay below 2^53"
)]
pub(super) fn number(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::Outcome::{
        Error, Failed, Interrupted, NeedsReview, NotRun, Passed, PassedWithWarning, Skipped,
    };
    use super::*;

    #[track_caller]
    fn check(outcomes: &[Outcome], expect: Outcome, message: &str) {
        let checks = outcomes
            .iter()
            .enumerate()
            .map(|(index, outcome)| check_as("test", *outcome, format!("{outcome} {index}")))
            .collect();
        let finding = Finding::of_checks(checks, Vec::new());
        assert_eq!(
            (finding.outcome, finding.message.as_str()),
            (expect, message)
        );
    }

    #[test]
    fn no_check_at_all_is_an_error() {
        check(&[], Error, "nothing was checked");
    }

    #[test]
    fn the_worst_check_decides_and_alone_is_said() {
        check(&[Passed, Failed, Passed], Failed, "failed 1");
        check(&[Failed, Error, Failed], Failed, "failed 0; failed 2");
        check(&[Passed, Error], Error, "error 1");
        check(&[Passed, Interrupted], Interrupted, "interrupted 1");
        check(&[Passed, NeedsReview], NeedsReview, "needs_review 1");
        check(
            &[Passed, PassedWithWarning],
            PassedWithWarning,
            "passed_with_warning 1",
        );
        check(&[Passed, Passed], Passed, "passed 0; passed 1");
    }

    #[test]
    fn what_was_not_run_is_said_beside_the_rest() {
        check(&[Passed, NotRun], Passed, "passed 0 (not run: not_run 1)");
        check(&[Failed, NotRun], Failed, "failed 0 (not run: not_run 1)");
    }

    #[test]
    fn checks_that_were_not_run_do_not_pass() {
        check(&[NotRun, NotRun], NotRun, "not_run 0; not_run 1");
        check(&[NotRun, Skipped], NotRun, "not_run 0");
        check(&[Skipped], Skipped, "skipped 0");
    }

    #[test]
    fn the_reason_is_the_outcome_and_passing_needs_none() {
        let reason = |outcome| {
            let checks = vec![check_as("test", outcome, "")];
            Finding::of_checks(checks, Vec::new()).reason_code
        };
        assert_eq!(reason(Passed), None);
        assert_eq!(reason(Failed).as_deref(), Some("failed"));
    }

    #[test]
    fn what_a_guest_says_cannot_move_the_cursor() {
        let checks = vec![super::check("test", false, "eth0\u{1b}[2J\r\u{9b}K")];
        let finding = Finding::of_checks(checks, Vec::new());
        assert_eq!(finding.message, "eth0\u{fffd}[2J\u{fffd}\u{fffd}K");
        assert_eq!(finding.checks[0].message, finding.message);
        let plain = Finding::plain(Failed, "test", "\u{1b}[2J");
        assert_eq!(plain.message, "\u{fffd}[2J");
    }

    #[test]
    fn a_measurement_has_both_limit_and_comparator_or_neither() {
        let with = measured("test", 1.0, "ms", Some((Comparator::AtMost, 2.0)));
        assert_eq!(
            (with.limit, with.comparator),
            (Some(2.0), Some(Comparator::AtMost))
        );
        let without = measured("test", 1.0, "ms", None);
        assert_eq!((without.limit, without.comparator), (None, None));
    }
}
