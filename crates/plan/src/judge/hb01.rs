//! HB-01: heartbeat to the host.

use detente_evidence::Comparator;

use super::finding::{Finding, check, measured, number};

/// Heartbeats, as the machine counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeats {
    /// Sent to the guest.
    pub sent: u64,
    /// Answered by it.
    pub answered: u64,
    /// How long they were waited for.
    pub waited_ms: u64,
}

/// Beats that a guest has to answer: one may be chance.
pub const WANTED_BEATS: u64 = 2;

/// Judges the heartbeat.
#[must_use]
pub fn hb01(seen: Heartbeats) -> Finding {
    let Heartbeats {
        sent,
        answered,
        waited_ms,
    } = seen;
    let message = format!(
        "{answered} of {sent} heartbeats answered (at least {WANTED_BEATS} wanted), \
         {waited_ms} ms after the guest was ready"
    );
    let good = answered >= WANTED_BEATS && answered <= sent;
    let limit = Some((Comparator::AtLeast, number(WANTED_BEATS)));
    Finding::of_checks(
        vec![check("answered", good, message)],
        vec![measured("heartbeats", number(answered), "count", limit)],
    )
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    #[track_caller]
    fn check(sent: u64, answered: u64, outcome: Outcome) {
        let seen = Heartbeats {
            sent,
            answered,
            waited_ms: 4000,
        };
        assert_eq!(hb01(seen).outcome, outcome);
    }

    #[test]
    fn answers_pass() {
        check(3, 2, Outcome::Passed);
    }

    #[test]
    fn silence_fails() {
        check(30, 0, Outcome::Failed);
        check(30, 1, Outcome::Failed);
    }

    #[test]
    fn more_answers_than_questions_fail() {
        check(2, 3, Outcome::Failed);
    }
}
