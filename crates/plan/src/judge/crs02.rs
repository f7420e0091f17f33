//! CRS-02: a crash is told to the host by the pvpanic device.

use detente_evidence::Outcome;

use super::finding::{Finding, check, check_as};

/// What the host saw of a guest that was told to crash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PanicSeen {
    /// Whether the machine told of a guest's panic.
    pub told: bool,
    /// The kernel's panic, as the console shows it.
    pub panic_line: Option<String>,
    /// How long the host waited.
    pub waited_ms: u64,
}

/// Judges the crash.
#[must_use]
pub fn crs02(seen: &PanicSeen) -> Finding {
    let waited = seen.waited_ms;
    let checks = vec![
        check(
            "told",
            seen.told,
            if seen.told {
                format!("the machine told of the guest's panic after {waited} ms")
            } else {
                format!("the machine told of no panic within {waited} ms")
            },
        ),
        match &seen.panic_line {
            Some(line) => check_as("console", Outcome::Passed, line.clone()),
            None => check_as(
                "console",
                Outcome::NotRun,
                "the kernel's panic on the console: not seen",
            ),
        },
    ];
    Finding::of_checks(checks, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(told: bool, outcome: Outcome) {
        let seen = PanicSeen {
            told,
            panic_line: Some("Kernel panic - not syncing: sysrq triggered crash".to_owned()),
            waited_ms: 900,
        };
        assert_eq!(crs02(&seen).outcome, outcome);
    }

    #[test]
    fn a_panic_that_is_told_passes_and_one_that_is_not_fails() {
        check(true, Outcome::Passed);
        check(false, Outcome::Failed);
    }
}
