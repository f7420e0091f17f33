//! CPU-08: channels and interrupts of the synthetic bus.

use detente_evidence::Outcome;

use super::finding::{Finding, check, check_as, measured, number};
use crate::protocol::{Vmbus, VmbusDevice};

/// A device that the machine has offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The class's GUID.
    pub class: &'static str,
    /// In words.
    pub name: &'static str,
    /// The driver that is to take it.
    pub driver: &'static str,
    /// Whether the guest may do without: a warning only.
    pub optional: bool,
}

/// Judges the bus. `offered` is what the machine shows, `agreed` the version that it agreed on.
#[must_use]
pub fn cpu08(seen: &Vmbus, offered: &[Offered], agreed: Option<&str>) -> Finding {
    let mut checks: Vec<_> = offered.iter().map(|offer| device(seen, offer)).collect();
    checks.push(version(seen, agreed));
    let interrupts: u64 = seen.interrupts.iter().sum();
    checks.push(check(
        "interrupts",
        interrupts > 0,
        format!(
            "{interrupts} interrupts of the bus on {} processors",
            seen.interrupts.len()
        ),
    ));
    let devices = number(seen.devices.len() as u64);
    let measurements = vec![
        measured("devices", devices, "count", None),
        measured("interrupts", number(interrupts), "count", None),
    ];
    Finding::of_checks(checks, measurements)
}

fn device(seen: &Vmbus, offer: &Offered) -> detente_evidence::Check {
    let found: Vec<&VmbusDevice> = seen
        .devices
        .iter()
        .filter(|device| device.class == offer.class)
        .collect();
    let bound = found
        .iter()
        .any(|device| device.driver.as_deref() == Some(offer.driver) && device.channels > 0);
    let message = match found.first() {
        None => format!("{} is not on the guest's bus", offer.name),
        Some(device) => match &device.driver {
            Some(driver) => format!("{}: {driver}", offer.name),
            None => format!("{} has no driver (wanted: {})", offer.name, offer.driver),
        },
    };
    if !bound && offer.optional && !found.is_empty() {
        return check_as(offer.name, Outcome::PassedWithWarning, message);
    }
    check(offer.name, bound, message)
}

/// Both sides must have seen the same negotiation.
fn version(seen: &Vmbus, agreed: Option<&str>) -> detente_evidence::Check {
    match (seen.version.as_deref(), agreed) {
        (Some(guest), Some(machine)) => check(
            "version",
            guest == machine,
            format!("the guest says version {guest}, the machine {machine}"),
        ),
        (guest, machine) => check_as(
            "version",
            Outcome::NotRun,
            format!(
                "the bus's version on both sides: the guest says {}, the machine {}",
                guest.unwrap_or("nothing"),
                machine.unwrap_or("nothing")
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCSI: &str = "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f";

    fn offered() -> [Offered; 1] {
        [Offered {
            class: SCSI,
            name: "SCSI controller",
            driver: "hv_storvsc",
            optional: false,
        }]
    }

    fn sound() -> Vmbus {
        Vmbus {
            devices: vec![VmbusDevice {
                instance: "f8b3781a-1e82-4818-a1c3-63d806ec15bb".to_owned(),
                class: SCSI.to_owned(),
                driver: Some("hv_storvsc".to_owned()),
                channels: 1,
                interrupts: 40,
            }],
            interrupts: vec![30, 10],
            version: Some("5.3".to_owned()),
        }
    }

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut Vmbus), outcome: Outcome) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = cpu08(&seen, &offered(), Some("5.3"));
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn a_bound_device_with_interrupts_passes() {
        check(|_| {}, Outcome::Passed);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(|seen| seen.devices.clear(), Outcome::Failed);
        check(|seen| seen.devices[0].driver = None, Outcome::Failed);
        check(|seen| seen.devices[0].channels = 0, Outcome::Failed);
        check(|seen| seen.interrupts = vec![0, 0], Outcome::Failed);
        check(
            |seen| seen.version = Some("4.0".to_owned()),
            Outcome::Failed,
        );
    }

    #[test]
    fn an_optional_device_without_driver_only_warns() {
        let mut offered = offered();
        offered[0].optional = true;
        let mut seen = sound();
        seen.devices[0].driver = None;
        let finding = cpu08(&seen, &offered, Some("5.3"));
        assert_eq!(finding.outcome, Outcome::PassedWithWarning);
    }
}
