//! TIME-01: clock source.

use detente_evidence::{Check, Outcome};

use super::finding::{Finding, check, measured, number};
use crate::protocol::{Clock, ClockSwitch};

/// What the acceleration allows to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockExpected {
    /// A processor's own: the guest must use kvm-clock or the time stamp counter.
    Hardware,
    /// Emulated: no paravirtual clock can be shown.
    Emulated,
}

/// Sources that a guest on KVM is meant to use.
const GOOD_SOURCES: &[&str] = &["kvm-clock", "tsc"];

/// Sources that a kernel falls back to when it trusts no hardware clock.
const NO_HARDWARE: &[&str] = &["jiffies", "refined-jiffies", ""];

/// Judges the clock.
#[must_use]
pub fn time01(seen: &Clock, expected: ClockExpected) -> Finding {
    let mut checks = vec![source(seen, expected), hardware_clock(seen)];
    checks.extend(seen.switches.iter().map(switch));
    checks.push(check(
        "restored",
        seen.restored == seen.initial,
        format!("{} again after the switches", seen.restored),
    ));
    let switches = number(seen.switches.len() as u64);
    Finding::of_checks(checks, vec![measured("switches", switches, "count", None)])
}

/// The paravirtual clock, which only hardware acceleration shows.
fn source(seen: &Clock, expected: ClockExpected) -> Check {
    let name = "paravirtual clock source";
    match expected {
        ClockExpected::Emulated => Check {
            name: name.to_owned(),
            outcome: Outcome::NotRun,
            message: "clock source kvm-clock: emulated".to_owned(),
        },
        ClockExpected::Hardware => {
            let good = GOOD_SOURCES.contains(&seen.initial.as_str());
            check(
                name,
                good,
                format!(
                    "the clock source is {} (wanted: kvm-clock or tsc)",
                    seen.initial
                ),
            )
        }
    }
}

/// Any hardware clock at all.
fn hardware_clock(seen: &Clock) -> Check {
    let good = !NO_HARDWARE.contains(&seen.initial.as_str());
    check(
        "hardware clock",
        good,
        format!("the clock source is {}", seen.initial),
    )
}

fn switch(switch: &ClockSwitch) -> Check {
    let holds = switch.taken && !switch.backwards && switch.advanced_ns > 0;
    let ms = switch.advanced_ns / 1_000_000;
    let message = match (switch.taken, switch.backwards) {
        (false, _) => format!("the kernel did not take {}", switch.to),
        (true, true) => format!("the clock went backwards with {}", switch.to),
        (true, false) => format!("{} went on by {ms} ms", switch.to),
    };
    check("switch", holds, message)
}
