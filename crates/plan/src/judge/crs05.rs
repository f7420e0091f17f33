//! CRS-05: a watchdog that is not fed resets the machine.

use detente_evidence::{Comparator, Outcome};

use super::finding::{Finding, check, check_as, measured, number};
use crate::protocol::Watchdog;

/// What was seen of the watchdog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchdogSeen {
    /// What the agent found, if it found one.
    pub watchdog: Watchdog,
    /// How long after the agent had started it the machine was reset, if it was.
    pub reset_after_ms: Option<u64>,
    /// How long was waited.
    pub waited_ms: u64,
}

/// Judges it: the reset may take `limit_ms`.
#[must_use]
pub fn crs05(seen: &WatchdogSeen, limit_ms: u64) -> Finding {
    let Some(name) = &seen.watchdog.identity else {
        return Finding::of_checks(
            vec![check("found", false, "the guest has no watchdog")],
            Vec::new(),
        );
    };
    let reset = match seen.reset_after_ms {
        Some(after_ms) => check(
            "reset",
            true,
            format!("the machine was reset {after_ms} ms after nobody fed it any more"),
        ),
        None => check(
            "reset",
            false,
            format!("the machine was not reset within {} ms", seen.waited_ms),
        ),
    };
    let found = check_as("found", Outcome::Passed, format!("{name:?} was started"));
    let limit = Some((Comparator::AtMost, number(limit_ms)));
    let after = number(seen.reset_after_ms.unwrap_or(seen.waited_ms));
    Finding::of_checks(
        vec![found, reset],
        vec![measured("reset after", after, "ms", limit)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut WatchdogSeen), outcome: Outcome) {
        let mut seen = WatchdogSeen {
            watchdog: Watchdog {
                identity: Some("i6300ESB timer".to_owned()),
                timeout_s: 30,
            },
            reset_after_ms: Some(31_000),
            waited_ms: 31_000,
        };
        spoil(&mut seen);
        let finding = crs05(&seen, 60_000);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn a_watchdog_that_resets_passes() {
        check(|_| {}, Outcome::Passed);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(|seen| seen.reset_after_ms = None, Outcome::Failed);
        check(|seen| seen.watchdog.identity = None, Outcome::Failed);
    }
}
