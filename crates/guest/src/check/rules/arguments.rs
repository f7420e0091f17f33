//! Kernel arguments that meant other hardware.

use super::lookups::arguments_named;
use super::{ALL, BOTH_KVM, GEN1, HYPERV};
use crate::check::command_line::Argument;
use crate::check::{Aspect, Basis, By, Looked, Rule, Severity, View};

const TAKE_OUT: &str = "Take the argument out of every entry and of what they are made from \
                        (/etc/default/grub, /etc/kernel/cmdline).";

/// Linux's own page about arguments.
const PARAMETERS: &str = "Linux, Documentation/admin-guide/kernel-parameters.txt";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.arguments.acpi-off",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: HYPERV,
        title: "ACPI is switched off",
        consequence: "Hyper-V's bus is a device of ACPI: without it no disk is found; unproven on \
                      a real host.",
        remedy: TAKE_OUT,
        by: By::Prepare,
        basis: Basis::Inferred,
        source: "Linux, drivers/hv/vmbus_drv.c: the bus is found through ACPI",
        look: acpi_off,
    },
    Rule {
        id: "linux.arguments.nopv",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: HYPERV,
        title: "the kernel is told to ignore hypervisors",
        consequence: "It does not see that it is on Hyper-V, so that no bus and no disk is found; \
                      unproven on a real host.",
        remedy: TAKE_OUT,
        by: By::Prepare,
        basis: Basis::Inferred,
        source: "Linux, arch/x86/kernel/cpu/hypervisor.c: nopv; mshyperv.c has no exemption",
        look: |view| arguments_named(view, &["nopv"]),
    },
    Rule {
        id: "linux.arguments.clocksource",
        aspect: Aspect::Time,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "the clock source is fixed to one that this hardware does not have",
        consequence: "The kernel takes another one, or a slow one, and says so in its log.",
        remedy: TAKE_OUT,
        by: By::Prepare,
        basis: Basis::Documented,
        source: PARAMETERS,
        look: clocksource,
    },
    Rule {
        id: "linux.arguments.tsc",
        aspect: Aspect::Time,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "the processor's counter is trusted or forbidden by an argument",
        consequence: "What held for the old host's processors need not hold for the new one's: \
                      time may drift or jump, or reading it is slow.",
        remedy: TAKE_OUT,
        by: By::Prepare,
        basis: Basis::Documented,
        source: PARAMETERS,
        look: |view| arguments_named(view, &["tsc", "notsc"]),
    },
    Rule {
        id: "linux.arguments.timer",
        aspect: Aspect::Time,
        severity: Severity::Note,
        profiles: ALL,
        title: "arguments about timers were meant for another machine",
        consequence: "Kernels of today do not need them, and may do worse with them.",
        remedy: TAKE_OUT,
        by: By::Hand,
        basis: Basis::Documented,
        source: PARAMETERS,
        look: |view| {
            arguments_named(
                view,
                &[
                    "no_timer_check",
                    "lpj",
                    "divider",
                    "hpet",
                    "acpi_pm_good",
                    "no-kvmclock",
                ],
            )
        },
    },
    Rule {
        id: "linux.arguments.apic",
        aspect: Aspect::BootStorage,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "interrupt controllers are switched off",
        consequence: "The guest runs on one processor, or devices lose interrupts.",
        remedy: TAKE_OUT,
        by: By::Prepare,
        basis: Basis::Documented,
        source: PARAMETERS,
        look: apic,
    },
    Rule {
        id: "linux.arguments.prefer-emulated-disk",
        aspect: Aspect::BootStorage,
        severity: Severity::Degrades,
        profiles: GEN1,
        title: "emulated disks are preferred to Hyper-V's own",
        consequence: "The guest boots from the emulated IDE disk, many times slower.",
        remedy: "Put hv_storvsc into the initramfs and take ata_piix.prefer_ms_hyperv=0 out.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "Linux, drivers/ata/ata_piix.c, prefer_ms_hyperv",
        look: prefer_emulated,
    },
    Rule {
        id: "linux.arguments.memory-or-processors-fixed",
        aspect: Aspect::Agents,
        severity: Severity::Note,
        profiles: ALL,
        title: "memory or processors are limited by an argument",
        consequence: "The guest uses no more than that, whatever the new machine has.",
        remedy: TAKE_OUT,
        by: By::Hand,
        basis: Basis::Documented,
        source: PARAMETERS,
        look: |view| arguments_named(view, &["mem", "maxcpus", "nr_cpus", "nosmp", "isolcpus"]),
    },
    Rule {
        id: "linux.arguments.kvm-only",
        aspect: Aspect::Time,
        severity: Severity::Note,
        profiles: BOTH_KVM,
        title: "arguments for Hyper-V are given",
        consequence: "They do nothing on KVM.",
        remedy: "Leave them where the guest is to run on both.",
        by: By::Hand,
        basis: Basis::Documented,
        source: PARAMETERS,
        look: |view| arguments_named(view, &["hv_nopvspin", "hv_nounmask"]),
    },
];

fn acpi_off(view: &View<'_>) -> Looked {
    matching(view, |own| {
        own.name == "acpi" && matches!(own.value(), "off" | "ht")
    })
}

fn apic(view: &View<'_>) -> Looked {
    matching(view, |own| {
        matches!(
            own.name.as_str(),
            "noapic" | "nolapic" | "disableapic" | "nox2apic"
        ) || (own.name == "pci"
            && own
                .value()
                .split(',')
                .any(|v| matches!(v, "noacpi" | "nomsi")))
    })
}

fn prefer_emulated(view: &View<'_>) -> Looked {
    matching(view, |own| {
        own.name.replace('-', "_") == "ata_piix.prefer_ms_hyperv" && own.value() == "0"
    })
}

/// Clock sources by whom they belong to; `tsc` is everywhere.
fn clocksource(view: &View<'_>) -> Looked {
    let hyperv = view.profile.is_hyperv();
    matching(view, |own| {
        let known = match own.value() {
            "tsc" => true,
            "kvm-clock" => !hyperv,
            value if value.starts_with("hyperv_clocksource") => hyperv,
            // The host's emulated clocks: KVM shows both, Hyper-V the second alone.
            "hpet" => false,
            "acpi_pm" => true,
            _ => false,
        };
        matches!(own.name.as_str(), "clocksource" | "clock") && !known
    })
}

fn matching(view: &View<'_>, wanted: impl Fn(&Argument) -> bool) -> Looked {
    let given = view.arguments();
    Looked::found(
        given
            .iter()
            .filter(|own| wanted(own))
            .map(|own| own.proof(view)),
    )
}
