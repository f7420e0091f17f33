//! PWR-01: graceful shutdown asked from outside.

use detente_evidence::{Check, Comparator, Outcome};

use super::finding::{Finding, check, measured, number};

/// What was seen of a shutdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerSeen {
    /// Whether the guest powered itself off within the limit.
    pub by_guest: bool,
    /// Why it was not the guest, in words.
    pub otherwise: String,
    /// The kernel's last words on the console, if it said them.
    pub last_words: Option<String>,
    /// The state of the root file system on the disk afterwards: `None` if it could not be read.
    pub root_clean: Option<bool>,
    /// How long it took.
    pub elapsed_ms: u64,
    /// The limit.
    pub limit_ms: u64,
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
    let elapsed = format!(
        "{}.{} s",
        seen.elapsed_ms / 1000,
        seen.elapsed_ms % 1000 / 100
    );
    if seen.by_guest {
        return check(
            "power off",
            true,
            format!("powered itself off after {elapsed}"),
        );
    }
    let message = format!(
        "still on {elapsed} after the power button: {}",
        seen.otherwise
    );
    check("power off", false, message)
}

fn last_words(seen: &PowerSeen) -> Check {
    match &seen.last_words {
        Some(line) => check("last words", true, format!("the kernel said {line:?}")),
        None => check(
            "last words",
            false,
            "the kernel did not say on the console that it powers down",
        ),
    }
}

fn root(seen: &PowerSeen) -> Check {
    match seen.root_clean {
        Some(true) => check(
            "root file system",
            true,
            "the root file system was unmounted cleanly",
        ),
        Some(false) => check(
            "root file system",
            false,
            "the root file system was not unmounted cleanly",
        ),
        None => Check {
            name: "root file system".to_owned(),
            outcome: Outcome::NotRun,
            message: "state of the root file system: cannot be read on this disk".to_owned(),
        },
    }
}
