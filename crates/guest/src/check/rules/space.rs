//! Whether volumes are clean and whole, and have room.

use super::ALL;
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::{Assembled, DeviceId};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.disk.not-unmounted",
        aspect: Aspect::BootStorage,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "a file system was not unmounted",
        consequence: "The image was taken from a running or crashed machine: the journal is \
                      replayed at the next mount, and what was in memory is lost.",
        remedy: "Shut the guest down and take the image again.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "ext4, XFS, FAT and btrfs say so in their first blocks",
        look: dirty,
    },
    Rule {
        id: "linux.disk.part-missing",
        aspect: Aspect::BootStorage,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "a volume group or an array is not complete",
        consequence: "What lies on the missing disk is lost to the guest; mounts of it are waited \
                      for in vain.",
        remedy: "Give all disks of the machine.",
        by: By::Machine,
        basis: Basis::Documented,
        source: "lvm(8), mdadm(8)",
        look: part_missing,
    },
    Rule {
        id: "linux.disk.root-part-missing",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "what the root lies on is not complete",
        consequence: "The boot stops where the root is waited for.",
        remedy: "Give all disks of the machine.",
        by: By::Machine,
        basis: Basis::Documented,
        source: "lvm(8), mdadm(8)",
        look: root_part_missing,
    },
    Rule {
        id: "linux.disk.boot-full",
        aspect: Aspect::BootStorage,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "there is no room for another initramfs",
        consequence: "An initramfs with the drivers of the new machine cannot be written.",
        remedy: "Remove old kernels, or make /boot larger.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "virt-v2v asks for 50 MB on /boot, and 100 MB where /boot is on the root",
        look: boot_full,
    },
];

const MIB: u64 = 1 << 20;

/// The volume that `/boot` is on.
fn boot_full(view: &View<'_>) -> Looked {
    let at = |point: &str| {
        let mut volumes = view.volumes();
        volumes.find(|(_, own)| own.mount_point.as_deref() == Some(point))
    };
    let (found, needed) = match at("/boot") {
        Some(found) => (Some(found), 50 * MIB),
        None => (at("/"), 100 * MIB),
    };
    let Some((id, volume)) = found else {
        return Looked::gap("the volume with /boot is not known");
    };
    match volume.free_bytes {
        Some(free) if free < needed => {
            let text = format!("{free} bytes are free on {id}, and {needed} are needed");
            let proof = Proof::words(text).pair("free_bytes", &free.to_string());
            Looked::found([proof])
        }
        Some(_) => Looked::fine(),
        None => Looked::gap(format!("how much room {id} has is not known")),
    }
}

fn dirty(view: &View<'_>) -> Looked {
    let dirty = view.volumes().filter(|(_, own)| own.dirty == Some(true));
    Looked::found(dirty.map(|(id, own)| {
        Proof::words(format!("{} on {id} was not unmounted", own.content)).key(&id.to_string())
    }))
}

fn is_root(view: &View<'_>, assembled: &Assembled) -> bool {
    match view.facts.root.device {
        DeviceId::LogicalVolume(name) | DeviceId::Array(name) => name.as_str() == assembled.name,
        DeviceId::Disk(_) => false,
    }
}

fn part_missing(view: &View<'_>) -> Looked {
    let all = view.facts.assembled.iter();
    Looked::found(all.filter(|own| !is_root(view, own)).filter_map(missing))
}

/// A mirror works with what is left of it.
fn root_part_missing(view: &View<'_>) -> Looked {
    let all = view.facts.assembled.iter();
    let root = all.filter(|own| is_root(view, own) && own.unread.is_some());
    Looked::found(root.filter_map(missing))
}

fn missing(assembled: &Assembled) -> Option<Proof> {
    let names = assembled.missing.join(", ");
    let text = format!("{} lacks {names}", assembled.name);
    (!assembled.missing.is_empty()).then(|| Proof::words(text).key(&assembled.name))
}
