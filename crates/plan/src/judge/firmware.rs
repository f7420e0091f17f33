//! BOOT-03, BOOT-04 and BOOT-05: the firmware starts the disk's own boot loader, or refuses to.
//!
//! No agent is there: everything is seen from outside, on the serial console and by the network.

use detente_evidence::{Check, Comparator, Measurement, Outcome};

use super::finding::{Finding, check, check_as, measured, number, seconds};

/// What was seen from outside of a boot through the firmware.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirmwareSeen {
    /// Whether the firmware was UEFI, and not a BIOS.
    pub uefi: bool,
    /// What shows that the guest is up: its prompt, or that it asked for an address.
    pub up: Option<String>,
    /// The line in which the kernel says who it is: the boot loader has done its work.
    pub kernel_line: Option<String>,
    /// The line in which the kernel says that UEFI started it.
    pub uefi_line: Option<String>,
    /// The line in which the kernel says that Secure Boot is enforced.
    pub secure_boot_line: Option<String>,
    /// The line in which the firmware or a boot loader refuses to start something.
    pub refusal: Option<String>,
    /// Lines of trouble, and how the guest ended if it did.
    pub trouble: Vec<String>,
    /// How long it took, or was waited.
    pub elapsed_ms: u64,
    /// How long it may take.
    pub limit_ms: u64,
}

/// Judges a boot through the firmware that the disk asks for.
#[must_use]
pub fn boot03(seen: &FirmwareSeen) -> Finding {
    let mut checks = came_up(seen);
    let kind = if seen.uefi { "UEFI" } else { "a BIOS" };
    checks.push(match (&seen.kernel_line, &seen.uefi_line) {
        (None, _) => check_as(
            "firmware",
            Outcome::NotRun,
            "which firmware the kernel found: it says nothing on the serial console",
        ),
        (Some(_), Some(line)) => check("firmware", seen.uefi, format!("started by {kind}: {line}")),
        (Some(_), None) => check(
            "firmware",
            !seen.uefi,
            format!("started by {kind}, and the kernel does not speak of UEFI"),
        ),
    });
    Finding::of_checks(checks, times(seen))
}

/// Judges a boot with Secure Boot enforced.
#[must_use]
pub fn boot04(seen: &FirmwareSeen) -> Finding {
    let mut checks = came_up(seen);
    checks.push(match (&seen.secure_boot_line, &seen.kernel_line) {
        (Some(line), _) => check("secure boot", true, line.clone()),
        (None, Some(_)) => check(
            "secure boot",
            false,
            "the kernel does not say that Secure Boot is enabled",
        ),
        (None, None) => check_as(
            "secure boot",
            Outcome::NotRun,
            "whether the kernel found Secure Boot enabled: it says nothing on the serial console",
        ),
    });
    Finding::of_checks(checks, times(seen))
}

/// Judges a boot that Secure Boot must refuse.
#[must_use]
pub fn boot05(seen: &FirmwareSeen) -> Finding {
    let started = seen.kernel_line.as_ref().or(seen.up.as_ref());
    let checks = vec![
        match started {
            Some(sign) => check(
                "not started",
                false,
                format!("a boot loader that nobody vouches for was started: {sign}"),
            ),
            None => check("not started", true, "the guest's kernel never spoke"),
        },
        match &seen.refusal {
            Some(line) => check("refused", true, line.clone()),
            None => check_as(
                "refused",
                Outcome::Error,
                format!(
                    "nothing was seen of a refusal within {}",
                    seconds(seen.limit_ms)
                ),
            ),
        },
    ];
    Finding::of_checks(checks, times(seen))
}

/// Whether the guest came up, without trouble.
fn came_up(seen: &FirmwareSeen) -> Vec<Check> {
    let mut checks = vec![match (&seen.up, &seen.refusal, &seen.kernel_line) {
        (Some(sign), _, _) => check(
            "up",
            true,
            format!("up after {}: {sign}", seconds(seen.elapsed_ms)),
        ),
        (None, Some(refusal), None) => check("up", false, format!("refused: {refusal}")),
        (None, _, _) => check(
            "up",
            false,
            format!(
                "no prompt, and no address was asked for, within {}",
                seconds(seen.limit_ms)
            ),
        ),
    }];
    if !seen.trouble.is_empty() {
        checks.push(check("trouble", false, seen.trouble.join("; ")));
    }
    checks
}

fn times(seen: &FirmwareSeen) -> Vec<Measurement> {
    let limit = Some((Comparator::AtMost, number(seen.limit_ms)));
    vec![measured(
        "firmware_boot",
        number(seen.elapsed_ms),
        "ms",
        limit,
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Debian 12's kernel and shim say it, under OVMF 2022.11.
    fn secure() -> FirmwareSeen {
        FirmwareSeen {
            uefi: true,
            up: Some("demo login:".to_owned()),
            kernel_line: Some("[    0.000000] Linux version 6.1.0-56-amd64".to_owned()),
            uefi_line: Some("[    0.000000] efi: EFI v2.70 by EDK II".to_owned()),
            secure_boot_line: Some("[    0.000000] secureboot: Secure boot enabled".to_owned()),
            elapsed_ms: 40_000,
            limit_ms: 360_000,
            ..FirmwareSeen::default()
        }
    }

    fn refused() -> FirmwareSeen {
        FirmwareSeen {
            uefi: true,
            refusal: Some("BdsDxe: failed to load Boot0001: Access Denied".to_owned()),
            limit_ms: 360_000,
            ..FirmwareSeen::default()
        }
    }

    #[test]
    fn a_sound_boot_passes() {
        assert_eq!(boot03(&secure()).outcome, Outcome::Passed);
        assert_eq!(boot04(&secure()).outcome, Outcome::Passed);
    }

    #[test]
    fn the_other_firmware_fails() {
        let mut seen = secure();
        seen.uefi = false;
        assert_eq!(boot03(&seen).outcome, Outcome::Failed);
        seen.uefi_line = None;
        assert_eq!(boot03(&seen).outcome, Outcome::Passed);
        seen.uefi = true;
        assert_eq!(boot03(&seen).outcome, Outcome::Failed);
    }

    #[test]
    fn a_kernel_that_says_nothing_leaves_its_word_open() {
        let mut seen = secure();
        (seen.kernel_line, seen.uefi_line, seen.secure_boot_line) = (None, None, None);
        let finding = boot03(&seen);
        assert_eq!(finding.outcome, Outcome::Passed);
        assert!(finding.message.contains("not run"), "{}", finding.message);
        assert!(boot04(&seen).message.contains("not run"));
    }

    #[test]
    fn secure_boot_that_is_off_fails() {
        let mut seen = secure();
        seen.secure_boot_line = None;
        assert_eq!(boot04(&seen).outcome, Outcome::Failed);
    }

    #[test]
    fn a_guest_that_never_comes_up_fails_and_says_who_refused() {
        let finding = boot04(&refused());
        assert_eq!(finding.outcome, Outcome::Failed);
        assert!(finding.message.contains("Access Denied"));
        let mut panicked = secure();
        panicked
            .trouble
            .push("Kernel panic - not syncing".to_owned());
        assert_eq!(boot03(&panicked).outcome, Outcome::Failed);
    }

    #[test]
    fn a_refusal_is_what_is_wanted_of_a_stranger() {
        assert_eq!(boot05(&refused()).outcome, Outcome::Passed);
        // The spoiled twin: a firmware that starts whatever it finds.
        assert_eq!(boot05(&secure()).outcome, Outcome::Failed);
        let mut silent = refused();
        silent.refusal = None;
        assert_eq!(boot05(&silent).outcome, Outcome::Error);
    }
}
