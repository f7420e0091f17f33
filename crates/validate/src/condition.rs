//! Conditions of a plan, told from what lies on a guest's disks.

use detente_guest::Facts;
use detente_guest::facts::{Firmware, Init, SelinuxMode, ServiceState};
use detente_machine::Profile;
use detente_plan::Condition;

/// Why a guest does not meet a condition, in words; `None` where it does, or where that cannot be
/// told from its disks: then the case itself will show it.
pub(crate) fn lacking(condition: Condition, facts: &Facts, profile: Profile) -> Option<String> {
    match condition {
        Condition::Systemd => systemd(facts, "starts its services"),
        Condition::Suspend => systemd(facts, "is there to put it to sleep"),
        Condition::Uefi => match facts.firmware {
            Firmware::Uefi | Firmware::UefiAndBios => None,
            Firmware::Bios | Firmware::Unknown => {
                Some("no EFI system partition was found, so that no UEFI firmware starts it".into())
            }
        },
        Condition::Bios => match facts.firmware {
            Firmware::Bios | Firmware::UefiAndBios => None,
            Firmware::Uefi | Firmware::Unknown => Some("no boot code for a BIOS was found".into()),
        },
        Condition::SignedLoader => signed_loader(facts),
        Condition::GuestAgent => service(facts, "qemu-guest-agent", "QEMU's guest agent"),
        Condition::FreezeAgent => match profile {
            Profile::Kvm | Profile::KvmLegacy => lacking(Condition::GuestAgent, facts, profile),
            Profile::HypervVmbus => lacking(Condition::HypervVss, facts, profile),
        },
        Condition::HypervKvp => {
            service(facts, "hyperv-kvp", "Hyper-V's daemon for key-value pairs")
        }
        Condition::HypervVss => service(facts, "hyperv-vss", "Hyper-V's daemon for backups"),
        Condition::Kdump => kdump(facts),
        Condition::TimeSync => time_sync(facts),
        Condition::SelinuxEnforcing => match facts.security.selinux.as_ref() {
            Some(selinux) => match selinux.effective {
                SelinuxMode::Enforcing => None,
                SelinuxMode::Permissive => Some("SELinux is permissive".into()),
                SelinuxMode::Disabled => Some("SELinux is disabled".into()),
            },
            None => Some("SELinux is not configured".into()),
        },
        Condition::PackageDatabase => facts
            .packages
            .is_empty()
            .then(|| "no package database was found".into()),
    }
}

fn systemd(facts: &Facts, does: &str) -> Option<String> {
    match facts.services.init {
        Init::Systemd | Init::Unknown => None,
        Init::Upstart | Init::SysV | Init::OpenRc => Some(format!("no systemd {does}")),
    }
}

/// Every program that UEFI meets on the way to the kernel is asked for; the first one counts.
fn signed_loader(facts: &Facts) -> Option<String> {
    match facts.secure_boot.programs.first() {
        None => Some("it has no program for UEFI".into()),
        Some(first) if first.signatures.is_empty() => {
            Some("the program that UEFI starts in it is not signed".into())
        }
        Some(_) => None,
    }
}

/// What keeps a service from running.
fn service(facts: &Facts, id: &str, name: &str) -> Option<String> {
    let services = &facts.services.services;
    match services.iter().find(|service| service.id == id) {
        None => Some(format!("{name} is not installed")),
        Some(service) => not_started(service.state).map(|state| format!("{name} is {state}")),
    }
}

/// A state in which a service is surely not started.
fn not_started(state: ServiceState) -> Option<&'static str> {
    match state {
        ServiceState::Unknown | ServiceState::Enabled | ServiceState::Static => None,
        ServiceState::Disabled => Some("installed, and not started at boot"),
        ServiceState::Masked => Some("installed, and masked"),
    }
}

fn kdump(facts: &Facts) -> Option<String> {
    if let Some(why) = service(facts, "kdump", "kdump") {
        return Some(why);
    }
    let reserved = facts
        .storage
        .kdump
        .as_ref()
        .and_then(|kdump| kdump.crashkernel.as_ref());
    match reserved {
        Some(_) => None,
        None => Some("no memory is set aside for kdump's kernel (crashkernel=)".into()),
    }
}

fn time_sync(facts: &Facts) -> Option<String> {
    let programs = &facts.time.synchronisation;
    if programs.is_empty() {
        return Some("no program that keeps the clock right is installed".into());
    }
    let started = |state| not_started(state).is_none();
    let any = programs.iter().any(|program| started(program.state));
    (!any).then(|| "the program that keeps the clock right is not started at boot".into())
}
