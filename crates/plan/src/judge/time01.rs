//! TIME-01: clock source.

use detente_evidence::{Check, Outcome};
use detente_machine::Hardware;

use super::Execution;
use super::finding::{Finding, check, check_as, measured, number};
use crate::protocol::{Clock, ClockSwitch};

/// Sources that a kernel falls back to when it trusts no hardware clock.
const NO_HARDWARE: &[&str] = &["jiffies", "refined-jiffies", ""];

/// How far a clock must have gone on with a source: half of what the agent sleeps (20 times 10 ms).
const LEAST_ADVANCE_NS: u64 = 100_000_000;

/// Judges the clock.
#[must_use]
pub fn time01(seen: &Clock, hardware: &Hardware, execution: Execution) -> Finding {
    let mut checks = vec![
        source(seen, hardware, execution),
        hardware_clock(seen),
        tried(seen),
    ];
    checks.extend(seen.switches.iter().map(switch));
    checks.push(check(
        "restored",
        seen.restored == seen.initial,
        if seen.restored == seen.initial {
            format!("{} again after the switches", named(&seen.restored))
        } else {
            format!(
                "{} after the switches, not {} again",
                named(&seen.restored),
                named(&seen.initial)
            )
        },
    ));
    let switches = number(seen.switches.len() as u64);
    Finding::of_checks(checks, vec![measured("switches", switches, "count", None)])
}

/// The paravirtual clock, which some platforms show only with hardware acceleration.
fn source(seen: &Clock, hardware: &Hardware, execution: Execution) -> Check {
    let name = "paravirtual clock source";
    let wanted = hardware.clock_sources;
    let best = wanted.first().copied().unwrap_or_default();
    if execution == Execution::Emulated && !hardware.discovery.in_emulation {
        return check_as(
            name,
            Outcome::NotRun,
            format!("clock source {best}: emulated"),
        );
    }
    let good = wanted.contains(&seen.initial.as_str());
    let message = format!(
        "the clock source is {} (wanted: {})",
        named(&seen.initial),
        wanted.join(" or ")
    );
    check(name, good, message)
}

/// Any hardware clock at all.
fn hardware_clock(seen: &Clock) -> Check {
    let good = !NO_HARDWARE.contains(&seen.initial.as_str());
    check(
        "hardware clock",
        good,
        format!("the clock source is {}", named(&seen.initial)),
    )
}

/// Whether every other source that the kernel offers was switched to.
fn tried(seen: &Clock) -> Check {
    let others = || {
        let sources = seen.available.iter();
        sources.filter(|source| **source != seen.initial)
    };
    let left_out: Vec<&str> = others()
        .filter(|source| seen.switches.iter().all(|switch| switch.to != **source))
        .map(String::as_str)
        .collect();
    if !left_out.is_empty() {
        let message = format!("never switched to {}", left_out.join(", "));
        return check_as("switches", Outcome::Error, message);
    }
    match others().count() {
        0 => check_as(
            "switches",
            Outcome::NotRun,
            "switching the clock source: the kernel offers no other",
        ),
        count => check("switches", true, format!("{count} other sources tried")),
    }
}

fn named(source: &str) -> &str {
    if source.is_empty() {
        "not known"
    } else {
        source
    }
}

fn switch(switch: &ClockSwitch) -> Check {
    let holds = switch.taken && !switch.backwards && switch.advanced_ns >= LEAST_ADVANCE_NS;
    let ms = switch.advanced_ns / 1_000_000;
    let message = match (switch.taken, switch.backwards) {
        (false, _) => format!("the kernel did not take {}", switch.to),
        (true, true) => format!("the clock went backwards with {}", switch.to),
        (true, false) => format!(
            "{} went on by {ms} ms (at least {} ms wanted)",
            switch.to,
            LEAST_ADVANCE_NS / 1_000_000
        ),
    };
    check("switch", holds, message)
}

#[cfg(test)]
mod tests {
    use detente_machine::Profile;

    use super::*;

    fn sound() -> Clock {
        let sources = ["kvm-clock", "tsc", "acpi_pm"];
        Clock {
            available: sources.map(str::to_owned).to_vec(),
            initial: "kvm-clock".to_owned(),
            switches: vec![went_on("tsc"), went_on("acpi_pm")],
            restored: "kvm-clock".to_owned(),
        }
    }

    fn went_on(to: &str) -> ClockSwitch {
        ClockSwitch {
            to: to.to_owned(),
            taken: true,
            advanced_ns: 203_000_000,
            backwards: false,
        }
    }

    #[track_caller]
    fn check(seen: &Clock, expected: Execution, outcome: Outcome, message: &str) {
        let finding = time01(seen, &Profile::Kvm.hardware(), expected);
        assert_eq!(
            (finding.outcome, finding.message.as_str()),
            (outcome, message)
        );
    }

    #[track_caller]
    fn check_spoiled(spoil: impl FnOnce(&mut Clock), outcome: Outcome, message: &str) {
        let mut seen = sound();
        spoil(&mut seen);
        check(&seen, Execution::Processor, outcome, message);
    }

    #[test]
    fn a_clock_that_goes_on_passes() {
        check_spoiled(
            |_| {},
            Outcome::Passed,
            "the clock source is kvm-clock (wanted: kvm-clock or tsc); \
             the clock source is kvm-clock; 2 other sources tried; \
             tsc went on by 203 ms (at least 100 ms wanted); \
             acpi_pm went on by 203 ms (at least 100 ms wanted); \
             kvm-clock again after the switches",
        );
    }

    #[test]
    fn another_source_fails_on_hardware_and_is_not_run_in_emulation() {
        let seen = Clock {
            available: vec!["tsc".to_owned(), "hpet".to_owned()],
            initial: "hpet".to_owned(),
            switches: vec![went_on("tsc")],
            restored: "hpet".to_owned(),
        };
        check(
            &seen,
            Execution::Processor,
            Outcome::Failed,
            "the clock source is hpet (wanted: kvm-clock or tsc)",
        );
        check(
            &seen,
            Execution::Emulated,
            Outcome::Passed,
            "the clock source is hpet; 1 other sources tried; \
             tsc went on by 203 ms (at least 100 ms wanted); hpet again after the switches \
             (not run: clock source kvm-clock: emulated)",
        );
    }

    #[test]
    fn no_hardware_clock_fails_even_in_emulation() {
        for source in ["jiffies", "refined-jiffies"] {
            let seen = Clock {
                initial: source.to_owned(),
                restored: source.to_owned(),
                available: vec![source.to_owned()],
                switches: Vec::new(),
            };
            let message = format!(
                "the clock source is {source} (not run: clock source kvm-clock: emulated; \
                 switching the clock source: the kernel offers no other)"
            );
            check(&seen, Execution::Emulated, Outcome::Failed, &message);
        }
    }

    #[test]
    fn a_source_that_is_not_known_fails() {
        check_spoiled(
            |seen| {
                seen.initial.clear();
                seen.restored.clear();
                seen.available.clear();
                seen.switches.clear();
            },
            Outcome::Failed,
            "the clock source is not known (wanted: kvm-clock or tsc); \
             the clock source is not known (not run: switching the clock source: \
             the kernel offers no other)",
        );
    }

    #[test]
    fn a_switch_that_the_kernel_does_not_take_fails() {
        check_spoiled(
            |seen| seen.switches[1].taken = false,
            Outcome::Failed,
            "the kernel did not take acpi_pm",
        );
    }

    #[test]
    fn a_clock_that_goes_backwards_fails() {
        check_spoiled(
            |seen| seen.switches[0].backwards = true,
            Outcome::Failed,
            "the clock went backwards with tsc",
        );
    }

    #[test]
    fn a_clock_that_hardly_moves_fails() {
        check_spoiled(
            |seen| seen.switches[0].advanced_ns = 99_000_000,
            Outcome::Failed,
            "tsc went on by 99 ms (at least 100 ms wanted)",
        );
    }

    #[test]
    fn a_source_that_was_never_tried_is_an_error() {
        check_spoiled(
            |seen| seen.switches.truncate(1),
            Outcome::Error,
            "never switched to acpi_pm",
        );
    }

    #[test]
    fn a_source_that_is_not_restored_fails() {
        check_spoiled(
            |seen| seen.restored = "tsc".to_owned(),
            Outcome::Failed,
            "tsc after the switches, not kvm-clock again",
        );
    }

    #[test]
    fn a_kernel_with_one_source_is_not_said_to_switch() {
        check_spoiled(
            |seen| {
                seen.available.truncate(1);
                seen.switches.clear();
            },
            Outcome::Passed,
            "the clock source is kvm-clock (wanted: kvm-clock or tsc); \
             the clock source is kvm-clock; kvm-clock again after the switches \
             (not run: switching the clock source: the kernel offers no other)",
        );
    }
}
