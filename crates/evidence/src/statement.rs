//! The sentence that every report carries.

use crate::ProfileRun;

/// What a profile's part of a run is, and what it is not, word for word as the project says it.
#[must_use]
pub fn statement(part: &ProfileRun) -> String {
    let platform = &part.platform;
    let build = platform.package.as_deref().unwrap_or("package unknown");
    let not_proved = if part.not_proved.is_empty() {
        "nothing that the plan asks for".to_owned()
    } else {
        part.not_proved.join("; ")
    };
    format!(
        "Test result, not a vendor certification. Tested on: {}, {} {}, {build}; acceleration: {}. \
         Not proved: {not_proved}.",
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
    fn an_unknown_package_is_said() {
        check(
            |part| part.platform.package = None,
            "Test result, not a vendor certification. Tested on: upstream_build, QEMU 7.2.0, \
             package unknown; acceleration: hardware. Not proved: firmware: direct boot \
             (not_run); STO-01: no.",
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
