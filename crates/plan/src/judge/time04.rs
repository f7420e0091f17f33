//! TIME-04: the machine stands still for a while, and goes on.

use detente_evidence::{Check, Comparator, Outcome};

use super::finding::{Finding, check, check_as, listed, measured};
use crate::protocol::GuestClock;

/// How far the guest's clock may be off and count as right: each side hears late of the other.
const RIGHT_MS: i64 = 1000;

/// A reading of the guest's clocks, and when the host heard of it, by its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The guest's.
    pub guest: GuestClock,
    /// The host's.
    pub heard_ms: u64,
}

/// What was seen of a pause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paused {
    /// How long the machine stood still.
    pub paused_ms: u64,
    /// Whether the agent was heard while it was to stand still.
    pub heard_meanwhile: bool,
    /// Before.
    pub before: Reading,
    /// As soon as it went on.
    pub after: Reading,
    /// At last.
    pub at_last: Reading,
}

/// Judges it.
#[must_use]
pub fn time04(seen: &Paused) -> Finding {
    let gap_ms = |to: &Reading, from: &Reading| {
        let host = i64::try_from(to.heard_ms.saturating_sub(from.heard_ms)).unwrap_or(i64::MAX);
        let guest = to.guest.wall_ms.saturating_sub(from.guest.wall_ms);
        host.saturating_sub(guest)
    };
    let forwards = [(&seen.before, &seen.after), (&seen.after, &seen.at_last)]
        .iter()
        .all(|(from, to)| to.guest.monotonic_ms >= from.guest.monotonic_ms);
    let behind_ms = gap_ms(&seen.at_last, &seen.before);
    let checks = vec![
        check(
            "stood still",
            !seen.heard_meanwhile,
            if seen.heard_meanwhile {
                "the guest went on while it was to stand still".to_owned()
            } else {
                format!("nothing was heard of the guest for {} ms", seen.paused_ms)
            },
        ),
        check(
            "forwards",
            forwards,
            if forwards {
                "then its clock went on"
            } else {
                "its clock went backwards"
            },
        ),
        clock(seen, behind_ms),
    ];
    #[expect(
        clippy::cast_precision_loss,
        reason = "documents carry doubles; gaps stay below 2^53"
    )]
    let behind = behind_ms as f64;
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let limit = Some((Comparator::AtMost, RIGHT_MS as f64));
    Finding::of_checks(checks, vec![measured("clock behind", behind, "ms", limit)])
}

/// A clock that is right, or behind by no more than the pause, where the guest has nobody who
/// could tell it the time.
fn clock(seen: &Paused, behind_ms: i64) -> Check {
    if behind_ms.unsigned_abs() <= RIGHT_MS.unsigned_abs() {
        let message = format!("its wall clock is {behind_ms} ms behind, which is right");
        return check("wall clock", true, message);
    }
    let most = i64::try_from(seen.paused_ms).unwrap_or(i64::MAX);
    if behind_ms < 0 || behind_ms > most.saturating_add(RIGHT_MS) {
        let message = format!("its wall clock is {behind_ms} ms behind, and more than it stood");
        return check("wall clock", false, message);
    }
    let keepers = listed(&seen.at_last.guest.keepers);
    check_as(
        "wall clock",
        Outcome::PassedWithWarning,
        format!(
            "its wall clock is {behind_ms} ms behind since then, and nothing has put it right yet \
             (programs that keep it: {keepers})"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(heard_ms: u64, wall_ms: i64, monotonic_ms: u64) -> Reading {
        Reading {
            guest: GuestClock {
                wall_ms: 1_700_000_000_000 + wall_ms,
                monotonic_ms,
                keepers: Vec::new(),
            },
            heard_ms,
        }
    }

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut Paused), outcome: Outcome) {
        let mut seen = Paused {
            paused_ms: 6000,
            heard_meanwhile: false,
            before: reading(60_000, 0, 50_000),
            after: reading(67_000, 1000, 51_000),
            at_last: reading(70_000, 10_000, 54_000),
        };
        spoil(&mut seen);
        let finding = time04(&seen);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn a_clock_that_is_put_right_passes() {
        check(|_| {}, Outcome::Passed);
    }

    #[test]
    fn a_clock_that_nobody_puts_right_is_said() {
        let behind = |seen: &mut Paused| seen.at_last = reading(70_000, 4000, 54_000);
        check(behind, Outcome::PassedWithWarning);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(|seen| seen.heard_meanwhile = true, Outcome::Failed);
        check(
            |seen| seen.after.guest.monotonic_ms = 49_000,
            Outcome::Failed,
        );
        check(
            |seen| seen.at_last = reading(70_000, 2000, 54_000),
            Outcome::Failed,
        );
        check(
            |seen| seen.at_last = reading(70_000, 20_000, 54_000),
            Outcome::Failed,
        );
        check(
            |seen| seen.at_last.guest.wall_ms = i64::MIN,
            Outcome::Failed,
        );
    }
}
