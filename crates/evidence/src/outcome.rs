//! How a case ended, and what a whole run therefore says.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Seen, and as it must be.
    Passed,
    /// Seen, and as it must be, with something that a reader should know.
    PassedWithWarning,
    /// Seen, and wrong: the guest's or the platform's fault.
    Failed,
    /// Not seen, because the tool or the lab broke.
    Error,
    /// Does not apply to this configuration.
    Skipped,
    /// Applies, but could not be shown here.
    NotRun,
    /// The user ended the run before it was seen.
    Interrupted,
    /// A person has to decide.
    NeedsReview,
}

impl Outcome {
    /// The word in records and tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::PassedWithWarning => "passed_with_warning",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::NotRun => "not_run",
            Self::Interrupted => "interrupted",
            Self::NeedsReview => "needs_review",
        }
    }

    /// Whether what was planned was seen and found right.
    #[must_use]
    pub fn is_pass(self) -> bool {
        matches!(self, Self::Passed | Self::PassedWithWarning)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// How much a plan wants a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// A run without it does not pass.
    Required,
    /// Reported, and required in the next version of the plan.
    Advisory,
    /// Reported.
    Optional,
    /// Reported, and gone in the next version of the plan.
    Deprecated,
}

/// What a whole run says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every required case that applies passed.
    Passed,
    /// A required case failed.
    Failed,
    /// Nothing required failed, but not everything required was seen.
    Incomplete,
    /// The user ended it.
    Interrupted,
}

impl Verdict {
    /// The verdict over cases. A failure weighs more than what was not seen: it is certain. Where
    /// no required case passed, nothing was shown, and the run is incomplete.
    #[must_use]
    pub fn of(cases: impl IntoIterator<Item = (Requirement, Outcome)>) -> Self {
        let mut verdict = Self::Passed;
        let mut shown = false;
        for (requirement, outcome) in cases {
            let counts = requirement == Requirement::Required;
            shown |= counts && outcome.is_pass();
            match outcome {
                Outcome::Interrupted => return Self::Interrupted,
                Outcome::Failed if counts => verdict = Self::Failed,
                Outcome::Error | Outcome::NotRun | Outcome::NeedsReview
                    if counts && verdict == Self::Passed =>
                {
                    verdict = Self::Incomplete;
                }
                Outcome::Passed
                | Outcome::PassedWithWarning
                | Outcome::Skipped
                | Outcome::Failed
                | Outcome::Error
                | Outcome::NotRun
                | Outcome::NeedsReview => {}
            }
        }
        match verdict {
            Self::Passed if !shown => Self::Incomplete,
            verdict => verdict,
        }
    }

    /// The word in records and tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
            Self::Interrupted => "interrupted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Error, Failed, Interrupted, NotRun, Passed, Skipped};
    use super::Requirement::{Advisory, Required};
    use super::*;

    #[track_caller]
    fn check(cases: &[(Requirement, Outcome)], expect: Verdict) {
        assert_eq!(Verdict::of(cases.iter().copied()), expect, "{cases:?}");
    }

    #[test]
    fn a_required_case_decides() {
        check(&[(Required, Passed), (Required, Failed)], Verdict::Failed);
        check(&[(Required, Passed), (Required, Skipped)], Verdict::Passed);
        check(&[(Required, Passed), (Advisory, Failed)], Verdict::Passed);
    }

    #[test]
    fn what_was_not_seen_never_passes() {
        check(&[(Required, NotRun)], Verdict::Incomplete);
        check(
            &[(Required, Error), (Required, Passed)],
            Verdict::Incomplete,
        );
    }

    #[test]
    fn nothing_shown_never_passes() {
        check(&[], Verdict::Incomplete);
        check(&[(Required, Skipped)], Verdict::Incomplete);
        check(&[(Advisory, Passed)], Verdict::Incomplete);
        check(&[(Required, Failed)], Verdict::Failed);
    }

    #[test]
    fn a_failure_weighs_more_than_what_was_not_seen() {
        check(&[(Required, Error), (Required, Failed)], Verdict::Failed);
        check(&[(Required, Failed), (Required, NotRun)], Verdict::Failed);
    }

    #[test]
    fn an_interruption_weighs_most() {
        check(
            &[(Required, Failed), (Advisory, Interrupted)],
            Verdict::Interrupted,
        );
    }
}
