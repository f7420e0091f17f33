//! What LVM may look at.

use super::ALL;
use crate::check::disk_name::{DiskName, own_kind};
use crate::check::{Aspect, Basis, By, Looked, Proof, Rule, Severity, View};
use crate::facts::{DeviceId, LvmDevice, Setting};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "linux.lvm.devices-file",
        aspect: Aspect::Names,
        severity: Severity::Degrades,
        profiles: ALL,
        title: "LVM's devices file names disks by what another machine does not have",
        consequence: "Volume groups on them may not be found once the root is mounted, and mounts \
                      of theirs may time out: unproven, because newer LVM looks for the physical \
                      volume elsewhere and dracut starts the root's group without the file.",
        remedy: "Delete /etc/lvm/devices/system.devices before the move and make it anew after it \
                 (`vgimportdevices -a`), or set use_devicesfile=0.",
        by: By::Prepare,
        basis: Basis::Inferred,
        source: "lvmdevices(8); virt-v2v deletes the file",
        look: devices_file,
    },
    Rule {
        id: "linux.lvm.filter",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "LVM's filter accepts no disk of this hardware",
        consequence: "No volume group is found, in the initramfs as little as after it.",
        remedy: "Take the filter out of lvm.conf and rebuild the initramfs, which has a copy of it.",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "lvm.conf(5), devices/filter and devices/global_filter",
        look: filter,
    },
    Rule {
        id: "linux.initramfs.device-mapper-missing",
        aspect: Aspect::BootStorage,
        severity: Severity::BlocksBoot,
        profiles: ALL,
        title: "the root is a logical volume, and dm_mod is not in the initramfs",
        consequence: "The disk is found and the logical volume on it is not.",
        remedy: "Rebuild the initramfs with LVM (dracut: `--add lvm`; Debian: the package lvm2).",
        by: By::Prepare,
        basis: Basis::Documented,
        source: "Linux, drivers/md/dm.c",
        look: device_mapper,
    },
];

/// Identities that belong to a disk and not to what is on it.
const OF_HARDWARE: &[&str] = &["sys_wwid", "sys_serial", "mpath_uuid"];

fn devices_file(view: &View<'_>) -> Looked {
    let lvm = &view.facts.storage.lvm;
    if lvm
        .use_devices_file
        .as_ref()
        .is_some_and(|own| own.value == "0")
    {
        return Looked::fine();
    }
    let stale = lvm.devices.iter().filter(|own| {
        OF_HARDWARE.contains(&own.id_type.as_str())
            || (own.id_type == "devname" && DiskName::foreign(&own.id_name, view.profile).is_some())
    });
    Looked::found(stale.map(device))
}

fn device(own: &LvmDevice) -> Proof {
    let text = format!("IDTYPE={} IDNAME={}", own.id_type, own.id_name);
    Proof::words(text)
        .at(&own.at)
        .pair(&own.id_type, &own.id_name)
}

fn filter(view: &View<'_>) -> Looked {
    let has_lvm = view
        .volumes()
        .any(|(_, volume)| volume.content == "LVM2_member");
    let filters = view.facts.storage.lvm.filters.iter();
    let refusing = filters.filter(|own| has_lvm && refuses(view, own));
    Looked::found(refusing.map(Proof::setting))
}

/// The first pattern that fits a name decides; a name that none fits is accepted. A pattern that
/// is not understood is taken to accept the disk, so that no alarm rests on it.
fn refuses(view: &View<'_>, filter: &Setting) -> bool {
    let disk = format!("/dev/{}a", own_kind(view.profile));
    let list = filter.value.trim().trim_start_matches('[');
    let words = list.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ','));
    for (accepts, body) in words.filter_map(pattern) {
        match fits(body, &disk) {
            Some(true) => return !accepts,
            None if accepts => return false,
            Some(false) | None => {}
        }
    }
    false
}

/// `a|/dev/sda|` or `r/.*/`, with any mark.
fn pattern(word: &str) -> Option<(bool, &str)> {
    let mut letters = word.trim_end_matches(']').chars();
    let (verb, mark) = (letters.next()?, letters.next()?);
    let accepts = match verb {
        'a' => true,
        'r' => false,
        _ => return None,
    };
    let body = letters.as_str().strip_suffix(mark)?;
    (!mark.is_alphanumeric()).then_some((accepts, body))
}

/// Whether a pattern fits the first disk; as much of a regular expression as such filters use.
fn fits(pattern: &str, disk: &str) -> Option<bool> {
    let plain = pattern.trim_start_matches('^').trim_end_matches('$');
    if plain.is_empty() || plain == ".*" || plain == ".*/" {
        return Some(true);
    }
    let literal = plain.split(['.', '*', '[', '(', '\\', '?', '+']).next()?;
    let name = literal.strip_prefix("/dev/").unwrap_or(literal);
    let name = name.trim_start_matches('/');
    let own = disk.strip_prefix("/dev/")?;
    let kinds = [
        "sd", "vd", "hd", "xvd", "nvme", "cdrom", "sr", "loop", "fd", "ram",
    ];
    if name.is_empty() {
        return (literal == "/dev/").then_some(true);
    }
    let known = kinds.iter().any(|kind| name.starts_with(kind));
    known.then(|| own.starts_with(name) || name.starts_with(own))
}

fn device_mapper(view: &View<'_>) -> Looked {
    match view.facts.root.device {
        DeviceId::LogicalVolume(_) => super::lookups::absent_by_default(view, "dm_mod"),
        DeviceId::Disk(_) | DeviceId::Array(_) => Looked::fine(),
    }
}
