//! BOOT-08, PWR-02, PWR-03: the guest is started again, asked from inside, from outside, or not at
//! all.

use detente_evidence::{Check, Comparator, Measurement, Outcome};

use super::finding::{Finding, check, check_as, measured, number, seconds};
use crate::protocol::BootState;

/// One restart, from what brought it about until the guest was ready again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restart {
    /// Why the machine was not reset, if it was not.
    pub not_reset: Option<String>,
    /// How long the machine's reset took, from what brought it about.
    pub reset_ms: u64,
    /// How the guest's init came up again, or why it did not.
    pub ready: Option<Result<BootState, String>>,
    /// How long that took, from the machine's reset.
    pub ready_ms: u64,
    /// Whether the kernel said that it restarts.
    pub said_so: bool,
    /// Why the root disk could not be written and read back afterwards, if it was tried.
    pub not_written: Option<String>,
}

/// Judges restarts that were asked for inside the guest: `wanted` of them, each ready within
/// `limit_ms`.
#[must_use]
pub fn boot08(seen: &[Restart], wanted: usize, limit_ms: u64) -> Finding {
    let mut checks: Vec<Check> = (1..)
        .zip(seen)
        .flat_map(|(number, restart)| came_back(&format!("restart {number}"), restart))
        .collect();
    let count = seen.len();
    if count < wanted {
        let message = format!("{count} of {wanted} restarts were tried");
        checks.push(check("all", false, message));
    }
    Finding::of_checks(checks, seen.iter().map(|one| time(one, limit_ms)).collect())
}

/// Judges a restart that was asked for from outside.
#[must_use]
pub fn pwr02(seen: &Restart, limit_ms: u64) -> Finding {
    let mut checks = came_back("the restart", seen);
    if seen.not_reset.is_none() {
        checks.push(check(
            "by the guest",
            seen.said_so,
            if seen.said_so {
                "the kernel said that it restarts"
            } else {
                "the kernel never said that it restarts"
            },
        ));
    }
    Finding::of_checks(checks, vec![time(seen, limit_ms)])
}

/// Judges a reset that the guest was not asked about.
#[must_use]
pub fn pwr03(seen: &Restart, limit_ms: u64) -> Finding {
    let mut checks = came_back("the reset", seen);
    if matches!(seen.ready, Some(Ok(_))) {
        checks.push(match &seen.not_written {
            None => check(
                "recovered",
                true,
                "the root file system can be written and read back",
            ),
            Some(why) => check(
                "recovered",
                false,
                format!("the root file system cannot be used: {why}"),
            ),
        });
    }
    Finding::of_checks(checks, vec![time(seen, limit_ms)])
}

fn came_back(name: &str, seen: &Restart) -> Vec<Check> {
    if let Some(why) = &seen.not_reset {
        return vec![check(name, false, format!("{name}: {why}"))];
    }
    let state = match &seen.ready {
        Some(Ok(state)) => state,
        Some(Err(why)) => return vec![check(name, false, format!("{name}: {why}"))],
        None => return vec![check_as(name, Outcome::Error, format!("{name}: not seen"))],
    };
    let message = format!(
        "{name}: {} was {:?} again after {}",
        state.init,
        state.state,
        seconds(seen.ready_ms)
    );
    let outcome = match state.state.as_str() {
        "running" | "login-ready" => Outcome::Passed,
        "degraded" => Outcome::PassedWithWarning,
        _ => Outcome::Failed,
    };
    vec![check_as(name, outcome, message)]
}

fn time(seen: &Restart, limit_ms: u64) -> Measurement {
    let limit = Some((Comparator::AtMost, number(limit_ms)));
    measured("ready again after", number(seen.ready_ms), "ms", limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Selinux;

    fn state(word: &str) -> BootState {
        BootState {
            init: "systemd".to_owned(),
            state: word.to_owned(),
            failed_units: Vec::new(),
            os: "Debian".to_owned(),
            selinux: Selinux::Absent,
            uptime_ms: 9,
        }
    }

    fn sound() -> Restart {
        Restart {
            reset_ms: 3000,
            ready: Some(Ok(state("running"))),
            ready_ms: 20_000,
            said_so: true,
            ..Restart::default()
        }
    }

    fn spoiled(spoil: impl FnOnce(&mut Restart)) -> Restart {
        let mut seen = sound();
        spoil(&mut seen);
        seen
    }

    #[track_caller]
    fn check(judge: impl Fn(&Restart) -> Finding, seen: &Restart, outcome: Outcome) {
        let finding = judge(seen);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn restarts_that_all_come_back_pass() {
        let three = [sound(), sound(), sound()];
        assert_eq!(boot08(&three, 3, 1).outcome, Outcome::Passed);
        assert_eq!(boot08(&three[..2], 3, 1).outcome, Outcome::Failed);
        assert_eq!(boot08(&[], 3, 1).outcome, Outcome::Failed);
    }

    #[test]
    fn one_that_does_not_come_back_fails_all() {
        let why = || Some("late".to_owned());
        for (spoiled, outcome) in [
            (spoiled(|seen| seen.not_reset = why()), Outcome::Failed),
            (
                spoiled(|seen| seen.ready = Some(Err("panic".to_owned()))),
                Outcome::Failed,
            ),
            (
                spoiled(|seen| seen.ready = Some(Ok(state("maintenance")))),
                Outcome::Failed,
            ),
            (
                spoiled(|seen| seen.ready = Some(Ok(state("degraded")))),
                Outcome::PassedWithWarning,
            ),
            (spoiled(|seen| seen.ready = None), Outcome::Error),
        ] {
            check(
                |seen| boot08(&[sound(), seen.clone()], 2, 1),
                &spoiled,
                outcome,
            );
            check(|seen| pwr02(seen, 1), &spoiled, outcome);
            check(|seen| pwr03(seen, 1), &spoiled, outcome);
        }
    }

    #[test]
    fn a_restart_from_outside_is_the_guests_own() {
        check(|seen| pwr02(seen, 1), &sound(), Outcome::Passed);
        let silent = spoiled(|seen| seen.said_so = false);
        check(|seen| pwr02(seen, 1), &silent, Outcome::Failed);
    }

    #[test]
    fn a_root_that_does_not_recover_fails() {
        let silent = spoiled(|seen| seen.said_so = false);
        check(|seen| pwr03(seen, 1), &silent, Outcome::Passed);
        let broken = spoiled(|seen| seen.not_written = Some("read-only".to_owned()));
        check(|seen| pwr03(seen, 1), &broken, Outcome::Failed);
    }
}
