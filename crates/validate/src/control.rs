//! Control runs: whether a failure follows the guest or the platform.
//!
//! Both sides may ask for a reproduction without the other's layer. Where a case failed on one
//! side's hardware, the same case of the same run on the other side's hardware is its control.

use detente_evidence::{CaseResult, ControlRecord, Follows, Outcome, ProfileRun, statement};
use detente_machine::Profile;

/// Whether a profile has a failure to be reproduced.
pub(crate) fn has_failure(part: &ProfileRun) -> bool {
    part.cases.iter().any(failed)
}

/// Gives every failed case of `parts` its control: from the other side's column among `parts`, or
/// from `others`, runs that were made for nothing else.
pub(crate) fn attach(parts: &mut [ProfileRun], others: &[ProfileRun]) {
    let all: Vec<ProfileRun> = parts.iter().chain(others).cloned().collect();
    for part in parts {
        let Ok(profile) = part.profile.parse::<Profile>() else {
            continue;
        };
        let wanted = profile.counterpart().name();
        let Some(control) = all.iter().find(|other| other.profile == wanted) else {
            continue;
        };
        for case in part.cases.iter_mut().filter(|case| failed(case)) {
            case.control = record(case, control);
        }
    }
}

/// Says of every failure that it was not reproduced, and why.
pub(crate) fn tell_missing(parts: &mut [ProfileRun], profile: Profile, reason: &str) {
    for part in parts.iter_mut().filter(|part| has_failure(part)) {
        let control = ControlRecord {
            profile: profile.name().to_owned(),
            outcome: Outcome::NotRun,
            follows: follows(Outcome::NotRun),
        };
        for case in part.cases.iter_mut().filter(|case| failed(case)) {
            case.control = Some(control.clone());
        }
        let line = format!("control run on {profile}: {reason} (not_run)");
        part.not_proved.push(line);
        part.statement = statement(part);
    }
}

fn failed(case: &CaseResult) -> bool {
    case.outcome == Outcome::Failed
}

fn record(case: &CaseResult, control: &ProfileRun) -> Option<ControlRecord> {
    let same = control
        .cases
        .iter()
        .find(|other| other.case_id == case.case_id)?;
    Some(ControlRecord {
        profile: control.profile.clone(),
        outcome: same.outcome,
        follows: follows(same.outcome),
    })
}

fn follows(control: Outcome) -> Follows {
    match control {
        Outcome::Failed => Follows::Guest,
        Outcome::Passed | Outcome::PassedWithWarning => Follows::Platform,
        Outcome::Error
        | Outcome::Skipped
        | Outcome::NotRun
        | Outcome::Interrupted
        | Outcome::NeedsReview => Follows::Undetermined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(control: Outcome, expected: Follows) {
        assert_eq!(follows(control), expected, "{control}");
    }

    #[test]
    fn a_failure_on_both_sides_follows_the_guest() {
        check(Outcome::Failed, Follows::Guest);
    }

    #[test]
    fn a_failure_on_one_side_only_follows_the_platform() {
        check(Outcome::Passed, Follows::Platform);
        check(Outcome::PassedWithWarning, Follows::Platform);
    }

    #[test]
    fn a_control_that_was_not_seen_tells_nothing() {
        for outcome in [Outcome::NotRun, Outcome::Error, Outcome::Skipped] {
            check(outcome, Follows::Undetermined);
        }
    }
}
