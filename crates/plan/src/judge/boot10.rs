//! BOOT-10: drivers in the initramfs.

use detente_evidence::{Check, Outcome};
use detente_machine::Hardware;

use super::drivers::{holds, place};
use super::finding::{Finding, check, check_as, measured, number};
use crate::protocol::InitramfsSurvey;

/// Judges what the initramfs holds for the profile's hardware.
#[must_use]
pub fn boot10(survey: &InitramfsSurvey, hardware: &Hardware) -> Finding {
    let storage = missing(survey, hardware.storage_modules);
    let network = missing(survey, hardware.network_modules);
    let checks = vec![
        storage_check(&storage, survey, hardware),
        network_check(&network, hardware),
    ];
    let modules = number(survey.modules.len() as u64);
    Finding::of_checks(checks, vec![measured("modules", modules, "count", None)])
}

fn missing<'a>(survey: &InitramfsSurvey, wanted: &[&'a str]) -> Vec<&'a str> {
    wanted
        .iter()
        .copied()
        .filter(|module| !holds(survey, module))
        .collect()
}

fn storage_check(missing: &[&str], survey: &InitramfsSurvey, hardware: &Hardware) -> Check {
    if missing.is_empty() {
        let modules = hardware.storage_modules.join(", ");
        return check(
            "storage",
            true,
            format!("{modules} are in the initramfs or the kernel"),
        );
    }
    let modules = missing.join(", ");
    if survey.truncated {
        return check_as(
            "storage",
            Outcome::Error,
            format!("the list of modules was cut for length, and {modules} may be in the rest"),
        );
    }
    check(
        "storage",
        false,
        format!(
            "{} holds no module {modules}: the root disk cannot be found",
            place(survey)
        ),
    )
}

fn network_check(missing: &[&str], hardware: &Hardware) -> Check {
    if missing.is_empty() {
        let modules = hardware.network_modules.join(", ");
        return check(
            "network",
            true,
            format!("{modules} are in the initramfs or the kernel"),
        );
    }
    let modules = missing.join(", ");
    check(
        "network",
        true,
        format!("{modules} comes with the root: no network before it"),
    )
}

#[cfg(test)]
mod tests {
    use detente_machine::Profile;

    use super::*;

    fn sound() -> InitramfsSurvey {
        InitramfsSurvey {
            modules: names(&["ext4", "virtio_blk", "virtio_net"]),
            builtin: names(&["virtio_pci"]),
            loaded: Vec::new(),
            orphans: Vec::new(),
            block_devices: names(&["vda"]),
            root: "UUID=1".to_owned(),
            uptime_ms: 900,
            truncated: false,
            kernel_only: false,
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn without(module: &str) -> InitramfsSurvey {
        let mut survey = sound();
        survey.modules.retain(|name| name != module);
        survey.builtin.retain(|name| name != module);
        survey
    }

    #[track_caller]
    fn check(survey: &InitramfsSurvey, profile: Profile, outcome: Outcome, message: &str) {
        let finding = boot10(survey, &profile.hardware());
        assert_eq!(
            (finding.outcome, finding.message.as_str()),
            (outcome, message)
        );
    }

    #[test]
    fn modules_in_the_initramfs_or_the_kernel_pass() {
        check(
            &sound(),
            Profile::Kvm,
            Outcome::Passed,
            "virtio_pci, virtio_blk are in the initramfs or the kernel; \
             virtio_pci, virtio_net are in the initramfs or the kernel",
        );
    }

    #[test]
    fn a_missing_storage_module_fails() {
        check(
            &without("virtio_blk"),
            Profile::Kvm,
            Outcome::Failed,
            "the initramfs holds no module virtio_blk: the root disk cannot be found",
        );
    }

    #[test]
    fn a_missing_builtin_fails() {
        check(
            &without("virtio_pci"),
            Profile::Kvm,
            Outcome::Failed,
            "the initramfs holds no module virtio_pci: the root disk cannot be found",
        );
    }

    #[test]
    fn without_an_initramfs_the_kernel_must_hold_everything() {
        let kernel = InitramfsSurvey {
            modules: Vec::new(),
            builtin: names(&["ext4", "nvme", "virtio_pci"]),
            kernel_only: true,
            ..sound()
        };
        check(
            &kernel,
            Profile::Kvm,
            Outcome::Failed,
            "the guest has no initramfs, and its kernel holds no module virtio_blk: \
             the root disk cannot be found",
        );
        let whole = InitramfsSurvey {
            builtin: names(&["virtio_blk", "virtio_net", "virtio_pci"]),
            ..kernel
        };
        assert_eq!(
            boot10(&whole, &Profile::Kvm.hardware()).outcome,
            Outcome::Passed
        );
    }

    #[test]
    fn a_missing_network_module_passes_and_is_said() {
        check(
            &without("virtio_net"),
            Profile::Kvm,
            Outcome::Passed,
            "virtio_pci, virtio_blk are in the initramfs or the kernel; \
             virtio_net comes with the root: no network before it",
        );
    }

    #[test]
    fn other_hardware_needs_other_modules() {
        check(
            &sound(),
            Profile::KvmLegacy,
            Outcome::Failed,
            "the initramfs holds no module ahci, sd_mod: the root disk cannot be found",
        );
    }

    #[test]
    fn a_list_that_was_cut_does_not_accuse_the_guest() {
        let cut = InitramfsSurvey {
            truncated: true,
            ..without("virtio_blk")
        };
        check(
            &cut,
            Profile::Kvm,
            Outcome::Error,
            "the list of modules was cut for length, and virtio_blk may be in the rest",
        );
    }

    #[test]
    fn an_empty_survey_fails_on_every_profile() {
        let empty = InitramfsSurvey {
            modules: Vec::new(),
            builtin: Vec::new(),
            ..sound()
        };
        for profile in Profile::ALL {
            assert_eq!(boot10(&empty, &profile.hardware()).outcome, Outcome::Failed);
        }
    }
}
