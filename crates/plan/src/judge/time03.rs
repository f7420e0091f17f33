//! TIME-03: a clock that was turned back is put right.

use detente_evidence::{Comparator, Outcome};

use super::finding::{Finding, check, check_as, listed, measured, number, seconds};
use crate::protocol::ClockTurned;

/// Who is to put the clock right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corrector {
    /// The host, which tells the guest the time, or a program.
    Host,
    /// A program of the guest's, which the network answers.
    Program,
}

/// Judges the clock; `limit_ms` is how long was waited.
#[must_use]
pub fn time03(seen: &ClockTurned, corrector: Corrector, limit_ms: u64) -> Finding {
    let programs = format!("programs that keep the clock: {}", listed(&seen.keepers));
    let who = match corrector {
        Corrector::Host => format!("the host told the guest the time; {programs}"),
        Corrector::Program => programs,
    };
    let mut checks = vec![check(
        "turned",
        seen.turned,
        if seen.turned {
            "the clock was turned back"
        } else {
            "the clock could not be turned back"
        },
    )];
    let nobody = corrector == Corrector::Program && seen.keepers.is_empty();
    let corrected = match seen.corrected_ms {
        Some(ms) => {
            let message = format!("it was right again after {} ({who})", seconds(ms));
            check("corrected", ms <= limit_ms, message)
        }
        None if nobody => check_as(
            "corrected",
            Outcome::NotRun,
            "no program of the guest's keeps the clock right",
        ),
        None => {
            let message = format!("nobody put it right within {} ({who})", seconds(limit_ms));
            check("corrected", false, message)
        }
    };
    if nobody && seen.corrected_ms.is_none() && seen.turned {
        checks.clear();
    }
    checks.push(corrected);
    let right = seen.offset_ms.unsigned_abs() <= RIGHT_MS;
    if !right {
        let message = format!("the clock was left {} ms from right", seen.offset_ms);
        checks.push(check("restored", false, message));
    }
    let limit = Some((Comparator::AtMost, number(limit_ms)));
    let taken = seen
        .corrected_ms
        .map(|ms| measured("corrected after", number(ms), "ms", limit));
    Finding::of_checks(checks, taken.into_iter().collect())
}

/// How far from right a clock may be in the end: what is asked of the agent, and as much for what
/// happens between two readings.
const RIGHT_MS: u64 = 4_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> ClockTurned {
        ClockTurned {
            turned: true,
            corrected_ms: Some(1500),
            offset_ms: -12,
            keepers: vec!["chronyd".to_owned()],
        }
    }

    #[track_caller]
    fn verdict(spoil: fn(&mut ClockTurned), corrector: Corrector, outcome: Outcome, part: &str) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = time03(&seen, corrector, 120_000);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert!(finding.message.contains(part), "{}", finding.message);
    }

    #[test]
    fn a_clock_that_is_put_right_passes() {
        let part = "right again after 1.5 s (programs that keep the clock: chronyd)";
        verdict(|_| (), Corrector::Program, Outcome::Passed, part);
        let part = "right again after 1.5 s (the host told";
        verdict(|_| (), Corrector::Host, Outcome::Passed, part);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        let never = |seen: &mut ClockTurned| seen.corrected_ms = None;
        let part = "nobody put it right within 120.0 s";
        verdict(never, Corrector::Program, Outcome::Failed, part);
        verdict(never, Corrector::Host, Outcome::Failed, part);
        let late = |seen: &mut ClockTurned| seen.corrected_ms = Some(120_001);
        verdict(late, Corrector::Host, Outcome::Failed, "after 120.0 s");
        let wrong = |seen: &mut ClockTurned| seen.offset_ms = i64::MIN;
        verdict(wrong, Corrector::Host, Outcome::Failed, "ms from right");
        let not = |seen: &mut ClockTurned| seen.turned = false;
        verdict(not, Corrector::Host, Outcome::Failed, "could not be turned");
    }

    #[test]
    fn a_guest_without_a_keeper_shows_nothing() {
        let nobody = |seen: &mut ClockTurned| {
            seen.keepers.clear();
            seen.corrected_ms = None;
        };
        verdict(
            nobody,
            Corrector::Program,
            Outcome::NotRun,
            "no program of the guest's",
        );
        verdict(
            nobody,
            Corrector::Host,
            Outcome::Failed,
            "nobody put it right",
        );
    }
}
