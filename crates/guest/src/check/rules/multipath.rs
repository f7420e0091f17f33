//! Disks that multipath takes.

use super::ALL;
use crate::check::disk_name::DiskName;
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::ServiceState;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.multipath.root-name",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "the root is called by a name that multipath gave",
        consequence: "The name stands for the old disk's number, so that multipath does not give \
                      it to the new one and the boot waits for it: unproven here.",
        remedy: "Name the root by UUID= in every entry and in what they are made from.",
        by: By::Prepare,
        basis: Basis::Inferred,
        source: "multipath.conf(5), user_friendly_names, bindings_file",
        look: root_name,
    },
    Rule {
        id: "linux.multipath.mount-name",
        aspect: Aspect::Names,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "a mount is called by a name that multipath gave",
        consequence: "The name stands for the old disk's number; the mount may be waited for in \
                      vain: unproven here.",
        remedy: "Name it by UUID=.",
        by: By::Prepare,
        basis: Basis::Inferred,
        source: "multipath.conf(5), user_friendly_names, bindings_file",
        look: mount_name,
    },
    Rule {
        id: "linux.multipath.enabled",
        aspect: Aspect::BootStorage,
        severity: Severity::Note,
        profiles: ALL,
        title: "multipath is on, though a virtual machine's disk has one path",
        consequence: "It may claim the disk and keep others from it: unproven; most guests boot \
                      all the same.",
        remedy: "Disable multipathd after the move, unless the guest reaches a SAN by itself.",
        by: By::Hand,
        basis: Basis::Inferred,
        source: "multipath.conf(5), find_multipaths",
        look: enabled,
    },
];

fn root_name(view: &View<'_>) -> Looked {
    let given = view.arguments();
    let root = given.iter().rev().find(|own| own.name == "root");
    let named = root.filter(|own| DiskName::of(own.value()) == DiskName::Multipath);
    Looked::found(named.map(|own| own.proof(view)))
}

fn mount_name(view: &View<'_>) -> Looked {
    let lines = view.facts.fstab.iter();
    let named = lines.filter(|mount| DiskName::of(&mount.spec) == DiskName::Multipath);
    Looked::found(named.map(super::mounts::proof))
}

fn enabled(view: &View<'_>) -> Looked {
    let services = view.facts.services.services.iter();
    let on = services.filter(|own| own.id == "multipathd" && own.state == ServiceState::Enabled);
    Looked::found(on.map(|own| {
        let proof = Proof::words("multipathd is started").key("multipathd");
        match &own.state_at {
            Some(at) => proof.at(at),
            None => proof,
        }
    }))
}
