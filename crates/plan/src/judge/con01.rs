//! CON-01: serial console, both ways.

use super::finding::{Finding, check};

/// What was seen on the first serial port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsoleSeen {
    /// Whether the guest's line came out.
    pub guest_line: bool,
    /// Whether what we typed was echoed.
    pub echo: bool,
}

/// Judges the console.
#[must_use]
pub fn con01(seen: ConsoleSeen) -> Finding {
    let checks = vec![
        check(
            "guest to host",
            seen.guest_line,
            if seen.guest_line {
                "the guest's line came"
            } else {
                "the guest's line never came"
            },
        ),
        check(
            "host to guest",
            seen.echo,
            if seen.echo {
                "what was typed was echoed"
            } else {
                "what was typed was never echoed"
            },
        ),
    ];
    Finding::of_checks(checks, Vec::new())
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    #[track_caller]
    fn check(guest_line: bool, echo: bool, outcome: Outcome, message: &str) {
        let finding = con01(ConsoleSeen { guest_line, echo });
        assert_eq!(
            (finding.outcome, finding.message.as_str()),
            (outcome, message)
        );
    }

    #[test]
    fn a_console_that_carries_both_ways_passes() {
        check(
            true,
            true,
            Outcome::Passed,
            "the guest's line came; what was typed was echoed",
        );
    }

    #[test]
    fn a_console_that_the_host_cannot_hear_fails() {
        check(false, true, Outcome::Failed, "the guest's line never came");
    }

    #[test]
    fn a_console_that_the_guest_cannot_hear_fails() {
        check(
            true,
            false,
            Outcome::Failed,
            "what was typed was never echoed",
        );
    }

    #[test]
    fn a_dead_console_fails_both_ways() {
        check(
            false,
            false,
            Outcome::Failed,
            "the guest's line never came; what was typed was never echoed",
        );
    }
}
