//! What a guest needs to find its root on a profile's hardware.

use crate::check::Profile;
use crate::facts::{Assembled, AssembledKind, DeviceId, DeviceName, Facts, VolumeFacts, VolumeId};

/// Layers below a root; a device that claims to rest on itself ends here.
const MAX_LAYERS: u32 = 8;

/// A module that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: &'static str,
    /// Whether there is no root without it.
    pub(super) needed: bool,
}

/// The drivers of the disk; then those of what the root stands on, which an initramfs that was made
/// for another machine has, unless it never had a root at all.
pub(super) fn modules(facts: &Facts, profile: Profile) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut want = |name: &'static str, needed| {
        if !wanted.iter().any(|wanted| wanted.name == name) {
            wanted.push(Wanted { name, needed });
        }
    };
    for module in profile.disk_modules() {
        want(module, true);
    }
    layers(facts, facts.root, &mut want, 0);
    wanted
}

fn layers(facts: &Facts, volume: VolumeId, want: &mut dyn FnMut(&'static str, bool), depth: u32) {
    if depth >= MAX_LAYERS {
        return;
    }
    let (volumes, assembled) = match volume.device {
        DeviceId::Disk(disk) => (facts.disks.get(disk).map(|disk| &disk.volumes), None),
        DeviceId::LogicalVolume(_) | DeviceId::Array(_) => {
            let mut all = facts.assembled.iter();
            let found = all.find(|own| device(own) == volume.device);
            (found.map(|own| &own.volumes), found)
        }
    };
    if let Some(assembled) = assembled {
        let module = match assembled.kind {
            AssembledKind::LogicalVolume => Some("dm_mod"),
            AssembledKind::Array => array(&assembled.layout),
        };
        module.into_iter().for_each(|module| want(module, false));
        for below in &assembled.on {
            layers(facts, *below, want, depth.saturating_add(1));
        }
    }
    let of_number = |volumes: &Vec<VolumeFacts>| {
        let mut found = volumes.iter().filter(|one| one.number == volume.partition);
        found.next().map(|one| one.content.clone())
    };
    let content = volumes.and_then(of_number).unwrap_or_default();
    if let Some(module) = file_system(&content) {
        want(module, false);
    }
}

fn device(assembled: &Assembled) -> DeviceId {
    let name = DeviceName::new(&assembled.name);
    match assembled.kind {
        AssembledKind::LogicalVolume => DeviceId::LogicalVolume(name),
        AssembledKind::Array => DeviceId::Array(name),
    }
}

/// The module of what `inspect` calls the content of a volume.
fn file_system(content: &str) -> Option<&'static str> {
    match content {
        // ext4's module reads the older two.
        "ext4" | "ext3" | "ext2" => Some("ext4"),
        "xfs" => Some("xfs"),
        "btrfs" => Some("btrfs"),
        _ => None,
    }
}

fn array(layout: &str) -> Option<&'static str> {
    match layout {
        "raid0" => Some("raid0"),
        "raid1" => Some("raid1"),
        "raid10" => Some("raid10"),
        "raid4" | "raid5" | "raid6" => Some("raid456"),
        "linear" => Some("linear"),
        _ => None,
    }
}
