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
