//! TIME-02: how far the guest's clock moves away from the host's, idle and under load.

use detente_evidence::{Check, Comparator, Measurement};

use super::finding::{Finding, check, measured, number};

/// How far it may move, in hundredths of the time: while nothing else is asked of the guest, and
/// while all of its processors are busy (the thresholds of tp-qemu's timedrift).
const IDLE_PERCENT: u64 = 10;
const LOADED_PERCENT: u64 = 50;

/// A stretch of time, by both clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stretch {
    /// By the host's clock.
    pub host_ms: u64,
    /// By the guest's clock since boot.
    pub monotonic_ms: u64,
    /// By the guest's wall clock; backwards is negative.
    pub wall_ms: i64,
    /// How much of a difference comes from asking.
    pub doubt_ms: u64,
}

/// Judges two stretches.
#[must_use]
pub fn time02(idle: &Stretch, loaded: &Stretch) -> Finding {
    let (mut checks, mut measurements) = (Vec::new(), Vec::new());
    for (name, stretch, percent) in [
        ("idle", idle, IDLE_PERCENT),
        ("under load", loaded, LOADED_PERCENT),
    ] {
        for (clock, guest_ms) in [
            ("clock since boot", i128::from(stretch.monotonic_ms)),
            ("wall clock", i128::from(stretch.wall_ms)),
        ] {
            let (check, measurement) = judged((name, clock), stretch, guest_ms, percent);
            checks.push(check);
            measurements.push(measurement);
        }
    }
    Finding::of_checks(checks, measurements)
}

fn judged(
    (name, clock): (&str, &str),
    stretch: &Stretch,
    guest_ms: i128,
    percent: u64,
) -> (Check, Measurement) {
    let apart = guest_ms.saturating_sub(stretch.host_ms.into());
    let apart_ms = u64::try_from(apart.unsigned_abs()).unwrap_or(u64::MAX);
    // What asking alone can make is not the clock's.
    let sure_ms = apart_ms.saturating_sub(stretch.doubt_ms);
    let most_ms = stretch.host_ms.saturating_mul(percent) / 100;
    let message = format!(
        "{name} the {clock} went {guest_ms} ms in {} ms of the host's (at most {percent} % apart, \
         and {} ms that come from asking)",
        stretch.host_ms, stretch.doubt_ms
    );
    let limit = Some((Comparator::AtMost, number(most_ms)));
    let measurement = measured(
        &format!("{clock} {name}"),
        number(sure_ms),
        "ms apart",
        limit,
    );
    let fine = sure_ms <= most_ms && stretch.host_ms > 0;
    (check(name, fine, message), measurement)
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    /// Ten seconds, and a tenth of one to ask.
    fn stretch(guest_ms: u64) -> Stretch {
        Stretch {
            host_ms: 10_000,
            monotonic_ms: guest_ms,
            wall_ms: i64::try_from(guest_ms).unwrap(),
            doubt_ms: 100,
        }
    }

    #[track_caller]
    fn verdict(idle_ms: u64, loaded_ms: u64, outcome: Outcome) {
        let finding = time02(&stretch(idle_ms), &stretch(loaded_ms));
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert_eq!(finding.measurements.len(), 4);
    }

    #[test]
    fn the_limits_are_a_tenth_and_a_half() {
        verdict(10_000, 10_000, Outcome::Passed);
        verdict(8_900, 4_900, Outcome::Passed);
        verdict(11_100, 15_100, Outcome::Passed);
        verdict(8_899, 10_000, Outcome::Failed);
        verdict(11_101, 10_000, Outcome::Failed);
        verdict(10_000, 4_899, Outcome::Failed);
        verdict(10_000, 15_101, Outcome::Failed);
    }

    #[test]
    fn a_wall_clock_that_goes_back_fails() {
        let mut idle = stretch(10_000);
        idle.wall_ms = i64::MIN;
        let finding = time02(&idle, &stretch(10_000));
        assert_eq!(finding.outcome, Outcome::Failed);
        assert!(
            finding
                .message
                .starts_with("idle the wall clock went -9223372036854775808 ms")
        );
    }

    #[test]
    fn no_time_is_no_pass() {
        let finding = time02(&Stretch::default(), &Stretch::default());
        assert_eq!(finding.outcome, Outcome::Failed);
    }
}
