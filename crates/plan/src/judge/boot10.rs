//! BOOT-10: drivers in the initramfs.

use detente_evidence::{Check, Outcome};
use detente_machine::Hardware;

use super::drivers::holds;
use super::finding::{Finding, check, measured, number};
use crate::protocol::InitramfsSurvey;

/// Judges what the initramfs holds for the profile's hardware.
#[must_use]
pub fn boot10(survey: &InitramfsSurvey, hardware: &Hardware) -> Finding {
    let storage = missing(survey, hardware.storage_modules);
    let network = missing(survey, hardware.network_modules);
    let checks = vec![
        storage_check(&storage, hardware),
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

fn storage_check(missing: &[&str], hardware: &Hardware) -> Check {
    if missing.is_empty() {
        let modules = hardware.storage_modules.join(", ");
        return check(
            "storage",
            true,
            format!("{modules} are in the initramfs or the kernel"),
        );
    }
    let modules = missing.join(", ");
    check(
        "storage",
        false,
        format!("the initramfs holds no module {modules}: the root disk cannot be found"),
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
    Check {
        name: "network".to_owned(),
        outcome: Outcome::PassedWithWarning,
        message: format!(
            "the initramfs holds no module {}: no network before the root",
            missing.join(", ")
        ),
    }
}
