//! CPU-04: a processor is plugged in.

use detente_evidence::Comparator;

use super::finding::{Finding, check, measured, number};
use crate::protocol::ProcessorsGrown;

/// How far the wall clock may move against the time since boot meanwhile: what keeps a clock right
/// turns it by little at a time.
const SHIFT_MS: u64 = 500;

/// Judges what the agent saw, where there were `before` processors and one was plugged in.
#[must_use]
pub fn cpu04(seen: &ProcessorsGrown, before: u32, limit_ms: u64) -> Finding {
    let wanted = before.saturating_add(1);
    let by_whom = if seen.brought_up.is_empty() {
        "the guest"
    } else {
        "the agent, since the guest left it alone"
    };
    let mut checks = vec![check(
        "present",
        seen.present == wanted,
        format!("{} processors are there (wanted: {wanted})", seen.present),
    )];
    if seen.present > before {
        checks.push(check(
            "online",
            seen.online == wanted,
            format!("{} run, brought up by {by_whom}", seen.online),
        ));
        let ran = seen.ran_on.iter().any(|cpu| *cpu >= before);
        checks.push(check(
            "works",
            ran,
            if ran {
                "the agent ran on the new one"
            } else {
                "nothing could be run on the new one"
            },
        ));
    }
    let shift_ms = seen.clock_shift_ms.unsigned_abs();
    checks.push(check(
        "clock",
        shift_ms <= SHIFT_MS && !seen.backwards,
        if seen.backwards {
            "a clock went backwards".to_owned()
        } else {
            format!("the clock moved by {} ms", seen.clock_shift_ms)
        },
    ));
    let limit = Some((Comparator::AtMost, number(limit_ms)));
    let waited = measured("came after", number(seen.waited_ms), "ms", limit);
    Finding::of_checks(checks, vec![waited])
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut ProcessorsGrown), outcome: Outcome) {
        let mut seen = ProcessorsGrown {
            present: 3,
            online: 3,
            ran_on: vec![2],
            waited_ms: 400,
            ..ProcessorsGrown::default()
        };
        spoil(&mut seen);
        let finding = cpu04(&seen, 2, 30_000);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn a_processor_that_comes_and_works_passes() {
        check(|_| {}, Outcome::Passed);
        check(|seen| seen.brought_up = vec![2], Outcome::Passed);
        check(|seen| seen.clock_shift_ms = -3, Outcome::Passed);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(|seen| seen.present = 2, Outcome::Failed);
        check(|seen| seen.online = 2, Outcome::Failed);
        check(|seen| seen.ran_on.clear(), Outcome::Failed);
        check(|seen| seen.ran_on = vec![1], Outcome::Failed);
        check(|seen| seen.clock_shift_ms = 501, Outcome::Failed);
        check(|seen| seen.clock_shift_ms = i64::MIN, Outcome::Failed);
        check(|seen| seen.backwards = true, Outcome::Failed);
    }
}
