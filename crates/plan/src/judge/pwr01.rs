//! PWR-01: graceful shutdown asked from outside.

use detente_evidence::{Check, Comparator, Outcome};

use super::finding::{Finding, check, check_as, measured, number, seconds};

/// What was seen of a shutdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerSeen {
    /// Whether the guest powered itself off within the limit.
    pub by_guest: bool,
    /// Why it was not the guest, in words.
    pub otherwise: String,
    /// The kernel's last words on the console, if it said them.
    pub last_words: Option<String>,
    /// The state of the root file system on the disk afterwards.
    pub root: RootState,
    /// How long it took.
    pub elapsed_ms: u64,
    /// The limit.
    pub limit_ms: u64,
}

/// How a guest left its root file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootState {
    /// Unmounted.
    Clean,
    /// Mounted still.
    Dirty,
    /// It cannot be told, and why.
    Unread(&'static str),
}

/// Judges a shutdown.
#[must_use]
pub fn pwr01(seen: &PowerSeen) -> Finding {
    let mut checks = vec![off(seen)];
    if seen.by_guest {
        checks.push(last_words(seen));
        checks.push(root(seen));
    }
    let limit = Some((Comparator::AtMost, number(seen.limit_ms)));
    Finding::of_checks(
        checks,
        vec![measured("shutdown", number(seen.elapsed_ms), "ms", limit)],
    )
}

fn off(seen: &PowerSeen) -> Check {
    let (elapsed, limit) = (seconds(seen.elapsed_ms), seconds(seen.limit_ms));
    if seen.by_guest {
        let message = format!("powered itself off after {elapsed} (limit: {limit})");
        return check("power off", seen.elapsed_ms <= seen.limit_ms, message);
    }
    let message = format!(
        "did not power itself off: {} ({elapsed} after the power button, limit: {limit})",
        seen.otherwise
    );
    check("power off", false, message)
}

fn last_words(seen: &PowerSeen) -> Check {
    match &seen.last_words {
        Some(line) if !line.trim().is_empty() => {
            check("last words", true, format!("the kernel said {line:?}"))
        }
        Some(_) | None => check(
            "last words",
            false,
            "the kernel did not say on the console that it powers down",
        ),
    }
}

fn root(seen: &PowerSeen) -> Check {
    const NAME: &str = "root file system";
    match seen.root {
        RootState::Clean => check(NAME, true, "the root file system was unmounted cleanly"),
        RootState::Dirty => check(
            NAME,
            false,
            "the root file system was not unmounted cleanly",
        ),
        RootState::Unread(why) => {
            let message = format!("state of the root file system: {why}");
            check_as(NAME, Outcome::NotRun, message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> PowerSeen {
        PowerSeen {
            by_guest: true,
            otherwise: String::new(),
            last_words: Some("reboot: Power down".to_owned()),
            root: RootState::Clean,
            elapsed_ms: 4_200,
            limit_ms: 120_000,
        }
    }

    #[track_caller]
    fn check(seen: &PowerSeen, outcome: Outcome, message: &str) {
        let finding = pwr01(seen);
        assert_eq!(
            (finding.outcome, finding.message.as_str()),
            (outcome, message)
        );
    }

    #[test]
    fn a_clean_shutdown_passes() {
        check(
            &sound(),
            Outcome::Passed,
            "powered itself off after 4.2 s (limit: 120.0 s); \
             the kernel said \"reboot: Power down\"; the root file system was unmounted cleanly",
        );
    }

    #[test]
    fn a_guest_that_stays_on_fails() {
        let seen = PowerSeen {
            by_guest: false,
            otherwise: "the guest did not react in time".to_owned(),
            elapsed_ms: 120_000,
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "did not power itself off: the guest did not react in time \
             (120.0 s after the power button, limit: 120.0 s)",
        );
    }

    #[test]
    fn a_shutdown_after_the_limit_fails() {
        let seen = PowerSeen {
            elapsed_ms: 120_100,
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "powered itself off after 120.1 s (limit: 120.0 s)",
        );
    }

    #[test]
    fn a_kernel_without_last_words_fails() {
        for last_words in [None, Some(" ".to_owned())] {
            let seen = PowerSeen {
                last_words,
                ..sound()
            };
            check(
                &seen,
                Outcome::Failed,
                "the kernel did not say on the console that it powers down",
            );
        }
    }

    #[test]
    fn a_dirty_root_fails() {
        let seen = PowerSeen {
            root: RootState::Dirty,
            ..sound()
        };
        check(
            &seen,
            Outcome::Failed,
            "the root file system was not unmounted cleanly",
        );
    }

    #[test]
    fn a_root_that_cannot_be_read_is_said_to_be_not_run() {
        let seen = PowerSeen {
            root: RootState::Unread("cannot be read on this disk"),
            ..sound()
        };
        check(
            &seen,
            Outcome::Passed,
            "powered itself off after 4.2 s (limit: 120.0 s); \
             the kernel said \"reboot: Power down\" (not run: state of the root file system: \
             cannot be read on this disk)",
        );
    }
}
