//! What was seen, held against what validation needs.

mod hyperv;

use std::collections::BTreeSet;

use detente_host::hyperv::Route;
use detente_host::lab;
use detente_host::local::{DISK_MIB, OLDEST_QEMU, memory_wanted_mib};
use detente_host::{Acceleration, HostFacts};
use detente_machine::Profile;
use detente_machine::qemu::{Accelerator, devices};
use detente_plan::Plan;

use super::look::{Qemu, Seen};
use super::remedies;
use super::report::{Check, ProfileState, Remedy, State};

/// The architecture of the guests that we know.
const ARCHITECTURE: &str = "x86_64";

const MIB: u64 = 1 << 20;

/// Every check, in the order of the report.
pub(crate) fn checks(seen: &Seen) -> Vec<Check> {
    let mut checks = vec![architecture(seen), qemu(seen), acceleration(seen)];
    if let Qemu::Works { devices, .. } = &seen.qemu {
        checks.push(device_check(devices, &qemu_profiles(&seen.qemu)));
    }
    checks.push(hyperv::check(seen));
    checks.push(memory(seen));
    checks.push(disk(seen));
    checks
}

/// Each profile, with the devices that this QEMU does not have.
pub(crate) fn profiles(seen: &Seen) -> Vec<ProfileState> {
    let mut profiles = qemu_profiles(&seen.qemu);
    profiles.push(hyperv::profile(seen));
    profiles
}

fn qemu_profiles(qemu: &Qemu) -> Vec<ProfileState> {
    Profile::QEMU
        .into_iter()
        .map(|profile| {
            let needs = devices(profile).to_vec();
            let (state, missing) = had_by(qemu, &needs);
            ProfileState {
                name: profile.name(),
                state,
                hardware: hardware(profile),
                needs,
                missing,
            }
        })
        .collect()
}

/// Whether this QEMU has all that is needed, and what it has not.
fn had_by(qemu: &Qemu, needs: &[&'static str]) -> (State, Vec<&'static str>) {
    match qemu {
        Qemu::Missing(_) => (State::Missing, Vec::new()),
        Qemu::Broken(_)
        | Qemu::Works {
            devices: Err(_), ..
        } => (State::Unknown, Vec::new()),
        Qemu::Works {
            devices: Ok(had), ..
        } => held_against(needs, had),
    }
}

fn held_against(needs: &[&'static str], had: &BTreeSet<String>) -> (State, Vec<&'static str>) {
    let missing: Vec<_> = needs
        .iter()
        .copied()
        .filter(|name| !had.contains(*name))
        .collect();
    let state = if missing.is_empty() {
        State::Fine
    } else {
        State::Missing
    };
    (state, missing)
}

fn hardware(profile: Profile) -> &'static str {
    match profile {
        Profile::Kvm => "q35 with virtio devices: what KVM guests are meant to run on",
        Profile::KvmLegacy => "q35 with SATA and e1000e: devices that need no virtio driver",
        Profile::HypervVmbus => "Hyper-V's synthetic hardware, as our own machine shows it",
    }
}

fn architecture(seen: &Seen) -> Check {
    let id = "architecture";
    let name = &seen.architecture;
    if name == ARCHITECTURE {
        return fine(id, format!("{name}, as the guests that can be validated"));
    }
    let message = format!(
        "{name}; guests are {ARCHITECTURE}, and their instructions can only be translated here"
    );
    check(id, State::Lacking, message, None)
}

fn qemu(seen: &Seen) -> Check {
    let id = "qemu";
    match &seen.qemu {
        Qemu::Missing(said) => check(id, State::Missing, said.clone(), Some(remedies::qemu())),
        Qemu::Broken(said) => {
            let message = format!("QEMU was found, but {said}");
            check(id, State::Unknown, message, Some(remedies::qemu_again()))
        }
        Qemu::Works { facts, .. } => version(id, facts),
    }
}

fn version(id: &'static str, facts: &HostFacts) -> Check {
    let package = facts
        .package
        .as_deref()
        .unwrap_or("no package of the distribution");
    let message = format!(
        "QEMU {} at {}, from {package}",
        facts.version,
        facts.program.display()
    );
    let digits = facts.version.split('.').next().unwrap_or_default();
    match digits.parse::<u32>() {
        Ok(major) if major >= OLDEST_QEMU => fine(id, message),
        Ok(_) => {
            let message = format!("{message}; version {OLDEST_QEMU} or later is wanted");
            check(id, State::Missing, message, Some(remedies::qemu_again()))
        }
        Err(_) => check(id, State::Unknown, message, Some(remedies::qemu_again())),
    }
}

fn acceleration(seen: &Seen) -> Check {
    let id = "acceleration";
    let Qemu::Works { facts, .. } = &seen.qemu else {
        let message = "cannot be proved without a QEMU that works".to_owned();
        return check(id, State::Unknown, message, None);
    };
    let proof = &facts.acceleration_proof;
    match facts.acceleration {
        Acceleration::Hardware => fine(id, format!("by the processor: {proof}")),
        Acceleration::Nested => fine(id, format!("nested: {proof}")),
        Acceleration::Emulated => {
            let message = format!(
                "emulated: {proof}. Validation runs, several times slower, and what only a \
                 processor can show (kvm-clock) is not run"
            );
            check(id, State::Lacking, message, Some(remedies::kvm(seen.kvm)))
        }
    }
}

/// One profile that can be shown is enough to validate; which ones can is said.
fn device_check(devices: &Result<BTreeSet<String>, String>, profiles: &[ProfileState]) -> Check {
    let id = "devices";
    if let Err(said) = devices {
        let remedy = Some(remedies::qemu_again());
        return check(id, State::Unknown, said.clone(), remedy);
    }
    let spoiled: Vec<String> = profiles
        .iter()
        .filter(|profile| !profile.missing.is_empty())
        .map(|profile| format!("{} ({})", profile.name, profile.missing.join(", ")))
        .collect();
    if spoiled.is_empty() {
        return fine(id, "QEMU has every device of every profile".to_owned());
    }
    let state = if spoiled.len() == profiles.len() {
        State::Missing
    } else {
        State::Lacking
    };
    let message = format!("QEMU lacks devices of {}", spoiled.join(" and of "));
    check(id, state, message, Some(remedies::qemu_again()))
}

fn memory(seen: &Seen) -> Check {
    let id = "memory";
    let accelerator = match &seen.qemu {
        Qemu::Works { facts, .. } if facts.acceleration != Acceleration::Emulated => {
            Accelerator::Kvm
        }
        Qemu::Works { .. } | Qemu::Missing(_) | Qemu::Broken(_) => Accelerator::Tcg,
    };
    let wanted_for = |guest_mib| match seen.hyperv.route {
        Route::Kvm(_) => memory_wanted_mib(guest_mib, accelerator),
        // A guest with a Linux around it.
        Route::Lab(_) => lab::memory_wanted_mib(guest_mib),
    };
    let wanted = Plan::built_in()
        .iter()
        .map(|plan| wanted_for(plan.parameters.memory_mib))
        .max()
        .unwrap_or_default();
    amount(
        id,
        "memory available",
        seen.memory_available_bytes,
        wanted,
        remedies::memory,
    )
}

fn disk(seen: &Seen) -> Check {
    let id = "disk";
    let Some(folder) = &seen.run_folder else {
        let message = "there is no place to keep runs: neither XDG_STATE_HOME nor HOME is set";
        let remedy = Some(remedies::run_folder());
        return check(id, State::Lacking, message.to_owned(), remedy);
    };
    let what = format!("free for runs in {}", folder.display());
    amount(id, &what, seen.disk_free_bytes, DISK_MIB, remedies::disk)
}

/// So much of something, against what a run wants of it.
fn amount(
    id: &'static str,
    what: &str,
    had_bytes: Option<u64>,
    wanted_mib: u64,
    remedy: fn() -> Remedy,
) -> Check {
    let Some(had) = had_bytes else {
        let message = format!("{what}: cannot be told ({wanted_mib} MiB wanted)");
        return check(id, State::Unknown, message, Some(remedy()));
    };
    let message = format!("{} MiB {what} ({wanted_mib} MiB wanted)", had / MIB);
    if had / MIB >= wanted_mib {
        return fine(id, message);
    }
    check(id, State::Missing, message, Some(remedy()))
}

fn fine(id: &'static str, message: String) -> Check {
    check(id, State::Fine, message, None)
}

fn check(id: &'static str, state: State, message: String, remedy: Option<Remedy>) -> Check {
    Check {
        id,
        state,
        message,
        remedy,
    }
}

#[cfg(test)]
mod tests;
