//! The sentence that every report carries.

use crate::ProfileRun;

/// How records call a machine that only resembles a vendor's.
const COMPATIBLE: &str = "compatible_implementation";

/// What is said of every run on our own machine. Design, section 12.
const NOT_HYPERV: &str = "Ran on détente's Hyper-V-compatible machine. It was not run on Microsoft \
    Hyper-V and does not show that it will run there.";

/// What a profile's part of a run is, and what it is not, word for word as the project says it.
#[must_use]
pub fn statement(part: &ProfileRun) -> String {
    let platform = &part.platform;
    let is_ours = platform.implementation == COMPATIBLE;
    let build = match &platform.package {
        Some(package) => package.as_str(),
        None if is_ours => "part of this program",
        None => "package unknown",
    };
    let not_proved = if part.not_proved.is_empty() {
        "nothing that the plan asks for".to_owned()
    } else {
        part.not_proved.join("; ")
    };
    let warning = if is_ours {
        format!(" {NOT_HYPERV}")
    } else {
        String::new()
    };
    let result = match part.chosen() {
        None => "Test result".to_owned(),
        Some((chosen, all)) => format!("Partial test result ({chosen} of {all} cases were chosen)"),
    };
    format!(
        "{result}, not a vendor certification. Tested on: {}, {} {}, {build}; acceleration: {}. \
         Not proved: {not_proved}.{warning}",
        platform.implementation, platform.product, platform.version, platform.acceleration,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut ProfileRun), expect: &str) {
        let mut part = sample::run().profiles.remove(0);
        spoil(&mut part);
        assert_eq!(statement(&part), expect);
    }

    // Design, section 12: "Test result, not a vendor certification. Tested on: {implementation,
    // product, build}; acceleration: {…}. Not proved: {list}."

    #[test]
    fn the_statement_is_word_for_word() {
        check(
            |_| {},
            "Test result, not a vendor certification. Tested on: upstream_build, QEMU 7.2.0, \
             qemu-system-x86 1:7.2; acceleration: hardware. Not proved: firmware: direct boot \
             (not_run); STO-01: no.",
        );
    }

    #[test]
    fn a_part_of_a_plan_is_said_to_be_one() {
        check(
            |part| {
                part.cases[2].outcome = crate::Outcome::Skipped;
                part.cases[2].reason_code = Some(crate::CaseResult::NOT_SELECTED.to_owned());
            },
            "Partial test result (2 of 3 cases were chosen), not a vendor certification. Tested \
             on: upstream_build, QEMU 7.2.0, qemu-system-x86 1:7.2; acceleration: hardware. Not \
             proved: firmware: direct boot (not_run); STO-01: no.",
        );
    }

    #[test]
    fn an_unknown_package_is_said() {
        check(
            |part| part.platform.package = None,
            "Test result, not a vendor certification. Tested on: upstream_build, QEMU 7.2.0, \
             package unknown; acceleration: hardware. Not proved: firmware: direct boot \
             (not_run); STO-01: no.",
        );
    }

    #[test]
    fn our_own_machine_is_not_hyperv_and_that_is_said_word_for_word() {
        check(
            |part| {
                part.platform.implementation = "compatible_implementation".to_owned();
                part.platform.product = "détente's Hyper-V-compatible machine".to_owned();
                part.platform.version = "0.1.0".to_owned();
                part.platform.package = None;
            },
            "Test result, not a vendor certification. Tested on: compatible_implementation, \
             détente's Hyper-V-compatible machine 0.1.0, part of this program; acceleration: \
             hardware. Not proved: firmware: direct boot (not_run); STO-01: no. Ran on détente's \
             Hyper-V-compatible machine. It was not run on Microsoft Hyper-V and does not show \
             that it will run there.",
        );
    }

    #[test]
    fn emulation_is_said() {
        check(
            |part| part.platform.acceleration = "emulated".to_owned(),
            "Test result, not a vendor certification. Tested on: upstream_build, QEMU 7.2.0, \
             qemu-system-x86 1:7.2; acceleration: emulated. Not proved: firmware: direct boot \
             (not_run); STO-01: no.",
        );
    }

    #[test]
    fn nothing_left_out_is_said() {
        check(
            |part| part.not_proved.clear(),
            "Test result, not a vendor certification. Tested on: upstream_build, QEMU 7.2.0, \
             qemu-system-x86 1:7.2; acceleration: hardware. Not proved: nothing that the plan \
             asks for.",
        );
    }
}
