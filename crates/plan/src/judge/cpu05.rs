//! CPU-05: hypervisor discovery.

use detente_evidence::{Check, Outcome};
use detente_machine::Discovery;

use super::Execution;
use super::finding::{Finding, check, check_as};
use crate::protocol::Hypervisor;

/// Judges what the guest knows of its hypervisor.
#[must_use]
pub fn cpu05(seen: &Hypervisor, wanted: &Discovery, execution: Execution) -> Finding {
    let mut checks = vec![check(
        "present",
        seen.present,
        if seen.present {
            "the processor says that there is a hypervisor"
        } else {
            "the processor does not say that there is a hypervisor"
        },
    )];
    checks.extend(named(seen, wanted, execution));
    Finding::of_checks(checks, Vec::new())
}

/// Who it is: in emulation QEMU is its own hypervisor and says so.
fn named(seen: &Hypervisor, wanted: &Discovery, execution: Execution) -> Vec<Check> {
    if execution == Execution::Emulated && !wanted.in_emulation {
        let message = format!("hypervisor leaves of {}: emulated", wanted.vendor);
        return vec![check_as("vendor", Outcome::NotRun, message)];
    }
    let mut checks = vec![check(
        "vendor",
        seen.vendor == wanted.vendor,
        format!(
            "CPUID 0x40000000 says {:?} (wanted: {:?})",
            seen.vendor, wanted.vendor
        ),
    )];
    if let Some(interface) = wanted.interface {
        checks.push(check(
            "interface",
            seen.interface == interface,
            format!(
                "CPUID 0x40000001 says {:?} (wanted: {interface:?})",
                seen.interface
            ),
        ));
    }
    checks.push(match &seen.detected {
        Some(name) => check(
            "kernel",
            name == wanted.kernel_name,
            format!(
                "the kernel detected {name} (wanted: {})",
                wanted.kernel_name
            ),
        ),
        None => check_as(
            "kernel",
            Outcome::NotRun,
            "the kernel's line on its hypervisor: not in the log any more",
        ),
    });
    checks
}

#[cfg(test)]
mod tests {
    use detente_machine::Profile;

    use super::*;

    fn sound() -> Hypervisor {
        Hypervisor {
            present: true,
            vendor: "Microsoft Hv".to_owned(),
            max_leaf: 0x4000_000a,
            interface: "Hv#1".to_owned(),
            detected: Some("Microsoft Hyper-V".to_owned()),
            system: "Microsoft Corporation Virtual Machine".to_owned(),
        }
    }

    #[track_caller]
    fn judged(spoil: impl FnOnce(&mut Hypervisor), profile: Profile) -> Finding {
        let mut seen = sound();
        spoil(&mut seen);
        cpu05(&seen, &profile.hardware().discovery, Execution::Emulated)
    }

    #[test]
    fn the_synthetic_hardware_is_discovered_even_in_emulation() {
        let finding = judged(|_| {}, Profile::HypervVmbus);
        assert_eq!(finding.outcome, Outcome::Passed, "{}", finding.message);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        let spoils: [fn(&mut Hypervisor); 4] = [
            |seen| seen.present = false,
            |seen| seen.vendor = "KVMKVMKVM".to_owned(),
            |seen| seen.interface = String::new(),
            |seen| seen.detected = Some("KVM".to_owned()),
        ];
        for spoil in spoils {
            assert_eq!(judged(spoil, Profile::HypervVmbus).outcome, Outcome::Failed);
        }
    }

    #[test]
    fn kvms_leaves_are_not_run_in_emulation_and_wanted_on_a_processor() {
        let emulated = judged(|_| {}, Profile::Kvm);
        assert_eq!(emulated.outcome, Outcome::Passed);
        assert!(emulated.message.contains("not run"), "{}", emulated.message);
        let wanted = Profile::Kvm.hardware().discovery;
        let finding = cpu05(&sound(), &wanted, Execution::Processor);
        assert_eq!(finding.outcome, Outcome::Failed);
    }
}
