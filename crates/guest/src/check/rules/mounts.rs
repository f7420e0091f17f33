//! Disks that `/etc/fstab` and `/etc/crypttab` call by names that another machine does not give.

use super::ALL;
use crate::check::disk_name::DiskName;
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::{Evidence, Mount, VolumeFacts};

const BY_UUID: &str = "Name it by UUID= (`blkid` says which), or by its logical volume.";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.fstab.device-name",
        aspect: Aspect::Names,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "a mount that the boot waits for names a disk as this hardware does not",
        consequence: "The disk of that name never comes; systemd gives up after 90 s and ends in \
                      emergency mode.",
        remedy: BY_UUID,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "systemd.mount(5), fstab: nofail; Linux names disks by driver",
        look: |view| fstab(view, true),
    },
    Rule {
        id: "linux.fstab.device-name-optional",
        aspect: Aspect::Names,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "a line of fstab that can be missed names a disk as this hardware does not",
        consequence: "The boot goes on, maybe after 90 s, without that swap space or mount.",
        remedy: BY_UUID,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "systemd.mount(5), systemd.swap(5)",
        look: |view| fstab(view, false),
    },
    Rule {
        id: "linux.fstab.device-order",
        aspect: Aspect::Names,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "several disks, and fstab counts on their order",
        consequence: "Linux numbers disks as it finds them, so that another one may be mounted.",
        remedy: BY_UUID,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "Linux, Documentation/admin-guide/devices.txt; driver probes are asynchronous",
        look: device_order,
    },
    Rule {
        id: "linux.fstab.hardware-path",
        aspect: Aspect::Names,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "a mount that the boot waits for names a disk by its slot or serial number",
        consequence: "Another controller has other slots and other numbers; systemd gives up after \
                      90 s and ends in emergency mode.",
        remedy: BY_UUID,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "systemd, 60-persistent-storage.rules: ID_PATH, ID_SERIAL",
        look: hardware_path,
    },
    Rule {
        id: "linux.fstab.volume-not-there",
        aspect: Aspect::Names,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "a mount that the boot waits for is on none of the disks",
        consequence: "systemd gives up after 90 s and ends in emergency mode, here as over there.",
        remedy: "Give all disks of the machine, or add nofail, or take the line out.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "systemd.mount(5), fstab: nofail",
        look: volume_not_there,
    },
    Rule {
        id: "linux.crypttab.device-name",
        aspect: Aspect::Names,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "crypttab names an encrypted disk as this hardware does not",
        consequence: "The disk is never opened, and what is mounted from it is waited for in vain.",
        remedy: BY_UUID,
        by: By::Prepare,
        basis: Basis::Documented,
        source: "crypttab(5)",
        look: crypttab,
    },
    Rule {
        id: "linux.crypttab.tpm",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "an encrypted disk is opened by a TPM",
        consequence: "What a TPM keeps does not travel: the new machine's knows no key, and the \
                      boot waits for a passphrase.",
        remedy: "Add a passphrase before the move (`cryptsetup luksAddKey`), enrol the new TPM \
                 after it, and forget the old one.",
        by: By::Hand,
        basis: Basis::Documented,
        source: "crypttab(5), tpm2-device; virt-v2v(1), LUKS bound to a TPM",
        look: tpm,
    },
];

/// Whether the boot waits for a mount and fails without it. The root is found by the kernel's
/// argument; its line here is for options.
fn is_required(mount: &Mount) -> bool {
    let has = |name: &str| mount.options.split(',').any(|own| own == name);
    mount.kind != "swap"
        && mount.mount_point != "/"
        && mount.mount_point.starts_with('/')
        && !has("nofail")
        && !has("noauto")
}

fn is_ignored(mount: &Mount) -> bool {
    mount.options.split(',').any(|own| own == "noauto")
}

fn fstab(view: &View<'_>, required: bool) -> Looked {
    let lines = view.facts.fstab.iter().filter(|mount| {
        is_required(mount) == required
            && !is_ignored(mount)
            && DiskName::foreign(&mount.spec, view.profile).is_some()
    });
    Looked::found(lines.map(proof))
}

fn device_order(view: &View<'_>) -> Looked {
    if view.facts.disks.len() < 2 {
        return Looked::fine();
    }
    let lines = view.facts.fstab.iter().filter(|mount| {
        matches!(DiskName::of(&mount.spec), DiskName::Kernel(_))
            && DiskName::foreign(&mount.spec, view.profile).is_none()
            && !is_ignored(mount)
    });
    Looked::found(lines.map(proof))
}

fn hardware_path(view: &View<'_>) -> Looked {
    let lines = view
        .facts
        .fstab
        .iter()
        .filter(|mount| is_required(mount) && DiskName::of(&mount.spec) == DiskName::Hardware);
    Looked::found(lines.map(proof))
}

/// Contents in which further volumes may be hidden.
const OPAQUE: &[&str] = &["luks", "bcache", "zfs_member"];

/// What is smaller and not recognised is boot code or a reserve.
const SMALLEST_HIDING_BYTES: u64 = 16 << 20;

/// Whether a volume may be there that was not read.
fn is_something_hidden(view: &View<'_>) -> bool {
    let hides = |volume: &VolumeFacts| {
        OPAQUE.contains(&volume.content.as_str())
            || (volume.content == "unknown" && volume.size_bytes >= SMALLEST_HIDING_BYTES)
    };
    view.volumes().any(|(_, volume)| hides(volume))
        || view
            .facts
            .assembled
            .iter()
            .any(|own| own.unread.is_some() || !own.missing.is_empty())
}

fn volume_not_there(view: &View<'_>) -> Looked {
    if is_something_hidden(view) {
        return Looked::fine();
    }
    let by_content = |spec: &str| {
        ["UUID=", "PARTUUID=", "LABEL=", "PARTLABEL="]
            .iter()
            .any(|prefix| spec.starts_with(prefix))
    };
    let lines = view.facts.fstab.iter();
    let lines = lines
        .filter(|mount| is_required(mount) && mount.volume.is_none() && by_content(&mount.spec));
    Looked::found(lines.map(proof))
}

/// A line of fstab.
pub(super) fn proof(mount: &Mount) -> Proof {
    let text = format!("{} is to become {}", mount.spec, mount.mount_point);
    Proof::words(text)
        .at(&line(mount))
        .pair(&mount.mount_point, &mount.spec)
}

fn line(mount: &Mount) -> Evidence {
    Evidence {
        path: "/etc/fstab".to_owned(),
        line: mount.line,
    }
}

fn crypttab(view: &View<'_>) -> Looked {
    let lines = view.facts.storage.crypttab.iter().filter(|own| {
        let optional = own
            .options
            .split(',')
            .any(|o| o == "nofail" || o == "noauto");
        !optional
            && (DiskName::foreign(&own.device, view.profile).is_some()
                || DiskName::of(&own.device) == DiskName::Hardware)
    });
    Looked::found(lines.map(|own| {
        let text = format!("{} is to be opened as {}", own.device, own.name);
        Proof::words(text).at(&own.at).pair(&own.name, &own.device)
    }))
}

fn tpm(view: &View<'_>) -> Looked {
    let lines = view.facts.storage.crypttab.iter().filter(|own| {
        let mut options = own.options.split(',');
        options.any(|option| option.starts_with("tpm2-device=") || option == "clevis")
    });
    Looked::found(lines.map(|own| {
        let text = format!("{} is opened with {}", own.name, own.options);
        Proof::words(text).at(&own.at).pair(&own.name, &own.options)
    }))
}
