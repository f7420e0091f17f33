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
            message: message.into(),
            checks: Vec::new(),
            measurements: Vec::new(),
        }
    }

    /// A finding made of checks: the worst one decides, and the message is that of all the checks
    /// with that outcome. What was not run in a check does not spoil the others, but is said.
    #[must_use]
    pub fn of_checks(checks: Vec<Check>, measurements: Vec<Measurement>) -> Self {
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

/// How much an outcome weighs among the checks of one case.
fn weight(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::NotRun => 0,
        Outcome::Skipped => 1,
        Outcome::Passed => 2,
        Outcome::PassedWithWarning => 3,
        Outcome::NeedsReview => 4,
        Outcome::Interrupted => 5,
        Outcome::Error => 6,
        Outcome::Failed => 7,
    }
}

/// A check that passes if `holds`, and says what was seen either way.
pub(super) fn check(name: &str, holds: bool, message: impl Into<String>) -> Check {
    let outcome = if holds {
        Outcome::Passed
    } else {
        Outcome::Failed
    };
    Check {
        name: name.to_owned(),
        outcome,
        message: message.into(),
    }
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
