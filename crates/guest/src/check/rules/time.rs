//! What keeps the time right.

use super::{ALL, BOTH_KVM, HYPERV};
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::{ServiceState, Setting, TimeSync};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.time.ptp-of-kvm",
        aspect: Aspect::Time,
        severity: Severity::Degrades,
        profiles: HYPERV,
        title: "the time is taken from KVM's clock device",
        consequence: "The device is not there on Hyper-V: chronyd ends as it starts, and the time drifts.",
        remedy: "Take servers of the network instead, or change the line after the move.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "Linux, drivers/ptp/ptp_kvm_x86.c; chrony, refclock_phc.c",
        look: |view| clocks(view, "ptp_kvm"),
    },
    Rule {
        id: "linux.time.ptp-of-hyperv",
        aspect: Aspect::Time,
        severity: Severity::Degrades,
        profiles: BOTH_KVM,
        title: "the time is taken from Hyper-V's clock device",
        consequence: "The device is not there on KVM: chronyd ends as it starts, and the time drifts.",
        remedy: "Take servers of the network instead, or change the line after the move.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "Linux, drivers/hv/hv_util.c; chrony, refclock_phc.c",
        look: |view| clocks(view, "ptp_hyperv"),
    },
    Rule {
        id: "linux.time.ptp-by-number",
        aspect: Aspect::Time,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "the time is taken from a clock device that is called by its number",
        consequence: "Devices are numbered as they are found: on other hardware it is another \
                      clock, or none.",
        remedy: "Take servers of the network instead, or name it by the link that the other side has.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "Linux, drivers/ptp/ptp_clock.c; systemd, 50-udev-default.rules",
        look: by_number,
    },
    Rule {
        id: "linux.time.no-synchronisation",
        aspect: Aspect::Time,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "nothing that keeps the time right is started",
        consequence: "After a pause or a move the guest's time stays wrong, as far as the host \
                      does not set it.",
        remedy: "Enable chrony, systemd-timesyncd or ntpd.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "Linux, Documentation/virt/kvm/x86/timekeeping.rst",
        look: no_synchronisation,
    },
    Rule {
        id: "linux.time.hardware-clock-local",
        aspect: Aspect::Time,
        severity: Severity::Note,
        profiles: ALL,
        title: "the hardware clock is said to keep local time",
        consequence: "The time is hours off until it is synchronised, where the new machine's \
                      clock keeps UTC.",
        remedy: "`timedatectl set-local-rtc 0`, or `<clock offset='localtime'/>` on libvirt.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "hwclock(8), /etc/adjtime",
        look: local_clock,
    },
];

fn is_started(own: &TimeSync) -> bool {
    match own.state {
        ServiceState::Enabled | ServiceState::Static | ServiceState::Unknown => true,
        ServiceState::Disabled | ServiceState::Masked => false,
    }
}

fn started<'a>(view: &View<'a>) -> impl Iterator<Item = &'a TimeSync> {
    view.facts
        .time
        .synchronisation
        .iter()
        .filter(|own| is_started(own))
}

/// Reference clocks that name a device of the other side. Servers beside them do not help: chronyd
/// ends where one cannot be opened.
fn clocks(view: &View<'_>, name: &str) -> Looked {
    let clocks = started(view).flat_map(|own| &own.reference_clocks);
    Looked::found(
        clocks
            .filter(|own| own.value.contains(name))
            .map(Proof::setting),
    )
}

fn by_number(view: &View<'_>) -> Looked {
    let clocks = started(view).flat_map(|own| &own.reference_clocks);
    Looked::found(clocks.filter(|own| is_numbered(own)).map(Proof::setting))
}

fn is_numbered(clock: &Setting) -> bool {
    let mut words = clock.value.split(|c: char| c.is_whitespace() || c == ':');
    words.any(|word| {
        let number = word.strip_prefix("/dev/ptp");
        number.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
    })
}

fn no_synchronisation(view: &View<'_>) -> Looked {
    if started(view).next().is_some() {
        return Looked::fine();
    }
    let installed = view.facts.time.synchronisation.iter();
    let off: Vec<Proof> = installed
        .map(|own| {
            let proof = Proof::words(format!("{:?} is installed and not started", own.program));
            match own.state_at.as_ref().or(own.installed.first()) {
                Some(at) => proof.at(at),
                None => proof,
            }
        })
        .collect();
    if off.is_empty() {
        return Looked::found([Proof::words("no program that keeps the time was found")]);
    }
    Looked::found(off)
}

fn local_clock(view: &View<'_>) -> Looked {
    let clock = view.facts.time.hardware_clock.as_ref();
    let local = clock.filter(|own| own.local);
    Looked::found(local.map(|own| Proof::words("the hardware clock keeps local time").at(&own.at)))
}
