//! Names of disks in configuration that the boot does not wait for.

use super::ALL;
use crate::check::disk_name::{DiskName, devices};
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::Setting;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.grub.device-name",
        aspect: Aspect::Names,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "what new boot entries are made from names a disk as this hardware does not",
        consequence: "This kernel boots; the next one that is installed does not.",
        remedy: "Name it by UUID= in /etc/default/grub, /etc/kernel/cmdline or \
                 /etc/sysconfig/kernel.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "grub2-mkconfig, kernel-install(8)",
        look: boot_defaults,
    },
    Rule {
        id: "linux.kdump.device-name",
        aspect: Aspect::Names,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "kdump's target is named as this hardware does not name it",
        consequence: "After a crash no dump is written.",
        remedy: "Name the target by UUID= in /etc/kdump.conf (SUSE: /etc/sysconfig/kdump).",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "kdump.conf(5)",
        look: kdump,
    },
    Rule {
        id: "linux.mdadm.device-name",
        aspect: Aspect::Names,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "mdadm may look at disks alone that this hardware names otherwise",
        consequence: "Arrays that the initramfs does not assemble by itself stay away.",
        remedy: "`DEVICE partitions` in mdadm.conf, and rebuild the initramfs.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "mdadm.conf(5), DEVICE",
        look: mdadm,
    },
    Rule {
        id: "linux.udev.storage-rule",
        aspect: Aspect::Names,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "a udev rule of the guest's own is about disks of another kind",
        consequence: "The links, owners or schedulers that it sets are not set.",
        remedy: "Match by content (ENV{ID_FS_UUID}) and not by the kernel's name.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "udev(7), KERNEL",
        look: udev,
    },
    Rule {
        id: "linux.swap.device-name",
        aspect: Aspect::Names,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "a swap unit names a disk as this hardware does not",
        consequence: "The guest runs without that swap space.",
        remedy: "Name it by UUID in the unit.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "systemd.swap(5)",
        look: swap,
    },
];

fn is_foreign(view: &View<'_>, value: &str) -> bool {
    devices(value).any(|name| {
        DiskName::foreign(name, view.profile).is_some() || DiskName::of(name) == DiskName::Hardware
    })
}

fn settings<'a>(view: &View<'_>, settings: impl IntoIterator<Item = &'a Setting>) -> Looked {
    let foreign = settings
        .into_iter()
        .filter(|own| is_foreign(view, &own.value));
    Looked::found(foreign.map(Proof::setting))
}

fn boot_defaults(view: &View<'_>) -> Looked {
    let storage = &view.facts.storage;
    let named = storage.device_names.iter().filter(|own| own.name == "grub");
    let all = storage.boot_defaults.iter().chain(named);
    let mut looked = settings(view, all);
    // Both lists may have the same line.
    looked
        .proofs
        .sort_by_key(|proof| (proof.file.clone(), proof.line));
    looked
        .proofs
        .dedup_by_key(|proof| (proof.file.clone(), proof.line));
    looked
}

fn kdump(view: &View<'_>) -> Looked {
    let kdump = view.facts.storage.kdump.as_ref();
    settings(view, kdump.and_then(|kdump| kdump.target.as_ref()))
}

fn mdadm(view: &View<'_>) -> Looked {
    let lines = view.facts.storage.mdadm.iter();
    settings(
        view,
        lines.filter(|own| own.name.eq_ignore_ascii_case("DEVICE")),
    )
}

fn udev(view: &View<'_>) -> Looked {
    let own_kind = crate::check::disk_name::own_kind(view.profile);
    let foreign = |value: &str| {
        let kinds = ["sd", "vd", "xvd", "hd"].into_iter();
        let mut others = kinds.filter(|kind| *kind != own_kind);
        let mentions = |kind: &str| value.contains(&format!("KERNEL==\"{kind}"));
        others.any(mentions) && !mentions(own_kind)
    };
    let rules = view.facts.storage.udev.iter();
    Looked::found(rules.filter(|own| foreign(&own.value)).map(Proof::setting))
}

/// Units only: lines of fstab have rules of their own.
fn swap(view: &View<'_>) -> Looked {
    let units = view.facts.storage.swap.iter();
    settings(view, units.filter(|own| !own.at.path.ends_with("/fstab")))
}
