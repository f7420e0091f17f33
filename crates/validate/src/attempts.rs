//! Several attempts at a case become one result, in which every attempt is kept.

use detente_evidence::{Attempt, CaseResult, Outcome};

/// Why a case was run more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// The plan allows it, because it had not passed: a pass decides, with a warning.
    Retried,
    /// The user wanted it: the worst decides.
    Repeated,
}

/// One result of several, in order. With one it is that one; there is none of none.
pub(crate) fn merged(mut results: Vec<CaseResult>, again: Again) -> Option<CaseResult> {
    let shown = |result: &CaseResult| result.outcome != Outcome::Skipped;
    if results.len() < 2 || !results.iter().any(shown) {
        return results.into_iter().next();
    }
    let attempts: Vec<Attempt> = results.iter().map(attempt).collect();
    let last = results.len().saturating_sub(1);
    let is_pass = results
        .last()
        .is_some_and(|result| result.outcome.is_pass());
    let decides = match again {
        Again::Retried if is_pass => last,
        Again::Retried | Again::Repeated => worst(&results),
    };
    let mut result = results.swap_remove(decides);
    match again {
        Again::Retried => retried(&mut result, &attempts),
        Again::Repeated => repeated(&mut result, &attempts),
    }
    result.attempts = attempts;
    Some(result)
}

/// An attempt that says everything itself.
fn attempt(result: &CaseResult) -> Attempt {
    let started_ms = result.attempts.first().map_or(0, |own| own.started_ms);
    Attempt {
        outcome: result.outcome,
        started_ms,
        duration_ms: Some(result.duration_ms),
        reason_code: result.reason_code.clone(),
        message: result.message.clone(),
        evidence: result.evidence.clone(),
    }
}

/// The first of the worst.
fn worst(results: &[CaseResult]) -> usize {
    let ranked = results.iter().enumerate();
    let worst = ranked.max_by_key(|(index, result)| (rank(result.outcome), usize::MAX - index));
    worst.map_or(0, |(index, _)| index)
}

/// The higher, the worse. What failed is certain; what was not seen is not.
fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Skipped => 0,
        Outcome::Passed => 1,
        Outcome::PassedWithWarning => 2,
        Outcome::NotRun => 3,
        Outcome::NeedsReview => 4,
        Outcome::Error => 5,
        Outcome::Interrupted => 6,
        Outcome::Failed => 7,
    }
}

fn retried(result: &mut CaseResult, attempts: &[Attempt]) {
    let count = attempts.len();
    if !result.outcome.is_pass() {
        let said = &result.message;
        result.message = format!("did not pass in {count} attempts: {said}");
        return;
    }
    let before = attempts.iter().find(|attempt| !attempt.outcome.is_pass());
    let Some(before) = before else {
        return;
    };
    result.outcome = Outcome::PassedWithWarning;
    result.reason_code = Some("passed_on_retry".to_owned());
    result.message = format!(
        "passed on attempt {count}: {}; attempt 1 {}: {}",
        result.message, before.outcome, before.message
    );
}

fn repeated(result: &mut CaseResult, attempts: &[Attempt]) {
    let count = attempts.len();
    let passed = attempts.iter().filter(|own| own.outcome.is_pass()).count();
    let said = &result.message;
    if passed == 0 || passed == count {
        result.message = format!("{said} ({count} repetitions)");
        return;
    }
    result.message = format!("flaky, passed {passed} of {count} times: {said}");
    result.reason_code = Some("flaky".to_owned());
}

#[cfg(test)]
mod tests {
    use detente_evidence::Requirement;

    use super::*;

    fn result(outcome: Outcome) -> CaseResult {
        CaseResult {
            case_id: "STO-01".to_owned(),
            title: String::new(),
            requirement: Requirement::Required,
            outcome,
            reason_code: None,
            message: outcome.word().to_owned(),
            duration_ms: 1,
            checks: Vec::new(),
            measurements: Vec::new(),
            attempts: vec![Attempt::only(outcome, 7)],
            evidence: Vec::new(),
            channel: "agent".to_owned(),
            control: None,
        }
    }

    #[track_caller]
    fn check(again: Again, outcomes: &[Outcome], expect: Outcome, message: &str) {
        let results = outcomes.iter().map(|outcome| result(*outcome)).collect();
        let merged = merged(results, again).unwrap();
        assert_eq!(merged.outcome, expect);
        assert_eq!(merged.message, message);
        let kept: Vec<_> = merged.attempts.iter().map(|own| own.outcome).collect();
        assert_eq!(kept, outcomes, "every attempt is kept");
    }

    use Again::{Repeated, Retried};
    use Outcome::{Error, Failed, NotRun, Passed, PassedWithWarning};

    #[test]
    fn a_pass_after_another_attempt_is_a_warning() {
        check(
            Retried,
            &[Failed, Passed],
            PassedWithWarning,
            "passed on attempt 2: passed; attempt 1 failed: failed",
        );
    }

    #[test]
    fn what_never_passes_is_what_was_worst() {
        let message = "did not pass in 3 attempts: failed";
        check(Retried, &[Error, Failed, NotRun], Failed, message);
    }

    #[test]
    fn a_failure_among_repetitions_is_a_failure_that_is_called_flaky() {
        let message = "flaky, passed 2 of 3 times: failed";
        check(Repeated, &[Passed, Failed, Passed], Failed, message);
    }

    #[test]
    fn repetitions_that_agree_are_counted() {
        check(
            Repeated,
            &[Passed, Passed],
            Passed,
            "passed (2 repetitions)",
        );
        let message = "passed_with_warning (2 repetitions)";
        check(
            Repeated,
            &[Passed, PassedWithWarning],
            PassedWithWarning,
            message,
        );
    }

    #[test]
    fn one_attempt_is_as_it_was() {
        check(Retried, &[Failed], Failed, "failed");
    }
}
