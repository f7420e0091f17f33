//! Disks and interfaces that kernel arguments call by name.

use super::ALL;
use super::lookups::NO_ENTRY;
use crate::check::command_line::{Argument, arguments};
use crate::check::disk_name::{DiskName, devices};
use crate::check::network_name::{Fate, name_fate};
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};

const BY_UUID: &str = "Name it by UUID= in every entry and in what they are made from \
                       (/etc/default/grub, /etc/kernel/cmdline).";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.boot.root-device-name",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "root= names a disk as this hardware does not",
        consequence: "The boot stops where the root is waited for.",
        remedy: BY_UUID,
        by: By::Prepare,
        basis: Basis::Seen,
        source: "Linux, Documentation/admin-guide/kernel-parameters.txt, root=; seen on QEMU and \
                 on the hyperv-vmbus machine",
        look: |view| by_default(view, &["root"]),
    },
    Rule {
        id: "linux.boot.root-device-name-in-other-entry",
        aspect: Aspect::BootStorage,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "root= of an entry that can be chosen names a disk as this hardware does not",
        consequence: "When the kernel that starts fails, the other entry does not boot either.",
        remedy: BY_UUID,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "Linux, Documentation/admin-guide/kernel-parameters.txt, root=",
        look: other_roots,
    },
    Rule {
        id: "linux.boot.fips-device-name",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "boot= of a FIPS system names a disk as this hardware does not",
        consequence: "dracut's FIPS check does not find the kernel's checksum and stops the boot.",
        remedy: BY_UUID,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "dracut.cmdline(7), boot=; fips=1",
        look: fips,
    },
    Rule {
        id: "linux.boot.resume-device-name",
        aspect: Aspect::Names,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "the disk to resume from is named as this hardware does not name it",
        consequence: "The boot may wait for it, goes on without it, and nothing can be resumed.",
        remedy: "Name it by UUID=, or take it out: servers are seldom hibernated.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "Linux, Documentation/power/swsusp.rst; initramfs-tools(7), resume",
        look: resume,
    },
    Rule {
        id: "linux.arguments.interface-name",
        aspect: Aspect::Names,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "a kernel argument names a network interface that this hardware does not give",
        consequence: "The network of the initramfs does not come up; a root or a key on the \
                      network is not reached.",
        remedy: "Leave the name out of ip=, or take the argument out if nothing needs it.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "dracut.cmdline(7), ip=, bond=, bridge=, vlan=",
        look: interface_name,
    },
];

/// Whether a device is named as no controller of this profile names it.
fn is_foreign(view: &View<'_>, value: &str) -> bool {
    DiskName::foreign(value, view.profile).is_some() || DiskName::of(value) == DiskName::Hardware
}

fn by_default(view: &View<'_>, names: &[&str]) -> Looked {
    if view.default_entry().is_none() {
        return Looked::gap(NO_ENTRY);
    }
    let given = view.arguments();
    // The last one counts.
    let last = given
        .iter()
        .rev()
        .find(|own| names.contains(&own.name.as_str()));
    let foreign = last.filter(|own| is_foreign(view, own.value()));
    Looked::found(foreign.map(|own| own.proof(view)))
}

fn other_roots(view: &View<'_>) -> Looked {
    let entries = view.other_entries().filter_map(|entry| {
        let given = arguments(entry.command_line?);
        let root = given.into_iter().rev().find(|own| own.name == "root")?;
        is_foreign(view, root.value()).then(|| {
            let text = format!("{:?} gets `{}`", entry.entry.title, root.text());
            let proof = Proof::words(text).file(view.menu());
            proof.pair("root", root.value())
        })
    });
    Looked::found(entries)
}

fn fips(view: &View<'_>) -> Looked {
    let given = view.arguments();
    let fips = given.iter().rev().find(|own| own.name == "fips");
    if fips.is_some_and(|own| own.value() == "1") {
        by_default(view, &["boot"])
    } else {
        Looked::fine()
    }
}

fn resume(view: &View<'_>) -> Looked {
    let configured = view.facts.storage.resume.iter().filter(|own| {
        own.name != "kernel-argument" && devices(&own.value).any(|name| is_foreign(view, name))
    });
    let configured: Vec<Proof> = configured.map(Proof::setting).collect();
    if configured.is_empty() {
        let given = view.arguments();
        let given = given.iter().filter(|own| own.name == "resume");
        let foreign = given.filter(|own| is_foreign(view, own.value()));
        return Looked::found(foreign.map(|own| own.proof(view)));
    }
    Looked::found(configured)
}

fn interface_name(view: &View<'_>) -> Looked {
    let given = view.arguments();
    let foreign = given.iter().filter(|own| {
        interfaces(own).iter().any(|name| {
            matches!(
                name_fate(view, name),
                Fate::NoSuchName | Fate::OtherDriver | Fate::OtherPath
            )
        })
    });
    Looked::found(foreign.map(|own| own.proof(view)))
}

/// The cards that an argument names.
fn interfaces(argument: &Argument) -> Vec<&str> {
    let parts: Vec<&str> = argument.value().split(':').collect();
    let named = |index: usize| parts.get(index).copied().filter(|name| !name.is_empty());
    match argument.name.as_str() {
        // ip=INTERFACE:METHOD, or ip=CLIENT:PEER:GATEWAY:MASK:HOST:INTERFACE:METHOD.
        "ip" if argument.value().contains('[') => Vec::new(),
        "ip" if parts.len() >= 6 => named(5).into_iter().collect(),
        "ip" if parts.len() >= 2 => named(0).into_iter().collect(),
        "bond" | "bridge" | "team" => {
            let ports = named(1).into_iter();
            ports.flat_map(|ports| ports.split(',')).collect()
        }
        "vlan" => named(1).into_iter().collect(),
        _ => Vec::new(),
    }
}
