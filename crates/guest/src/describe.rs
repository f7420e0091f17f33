//! Disks, arrays, logical volumes and what is on them, as facts.

use detente_volume::{Content, luks_facts};

use crate::facts::{
    Assembled, DeviceId, Disk, LuksFacts, Place, SubvolumeFacts, VolumeFacts, VolumeId,
};
use crate::free_space;
use crate::joined::Joined;
use crate::volumes::{Held, Volumes};

/// The disks as they were given.
pub(crate) fn disks(volumes: &Volumes, joined: &Joined<'_>) -> Vec<Disk> {
    let disks = volumes.disks.iter().enumerate();
    disks
        .map(|(index, seen)| Disk {
            size_bytes: seen.size_bytes,
            table: seen.table,
            volumes: on(volumes, joined, DeviceId::Disk(index)),
        })
        .collect()
}

/// What was put together.
pub(crate) fn assembled(volumes: &Volumes, joined: &Joined<'_>) -> Vec<Assembled> {
    let devices = volumes.assembled.iter();
    devices
        .map(|seen| Assembled {
            volumes: on(volumes, joined, seen.id),
            ..seen.facts.clone()
        })
        .collect()
}

/// The subvolume at the root's place; `None` if that is no btrfs.
pub(crate) fn root_subvolume(volumes: &Volumes, root: &Place) -> Option<String> {
    volumes.get(root.volume)?.subvolumes.as_ref()?;
    Some(root.path.trim_matches('/').to_owned())
}

fn on(volumes: &Volumes, joined: &Joined<'_>, device: DeviceId) -> Vec<VolumeFacts> {
    let held = volumes.held.iter().filter(|held| held.id.device == device);
    held.map(|held| volume(held, joined)).collect()
}

fn volume(held: &Held, joined: &Joined<'_>) -> VolumeFacts {
    let owned = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    VolumeFacts {
        number: held.id.partition,
        offset_bytes: held.volume.offset,
        size_bytes: detente_block::BlockRead::len_bytes(&held.volume.window),
        type_id: held.volume.type_id.clone(),
        content: held.kind().to_owned(),
        uuid: held.uuid().and_then(owned),
        label: held.label().map(str::to_owned),
        partuuid: held.volume.partuuid.clone(),
        name: held.volume.name.clone(),
        mount_point: mount_point(joined, held.id),
        dirty: held.dirty,
        free_bytes: free_space::bytes(held),
        subvolumes: subvolumes(held, joined),
        luks: luks(held),
    }
}

/// The shortest, if it is mounted at several places.
fn mount_point(joined: &Joined<'_>, id: VolumeId) -> Option<String> {
    let own = joined.mounts().filter(|(_, place)| place.volume == id);
    let point = own.min_by_key(|(point, _)| point.len());
    point.map(|(point, _)| point.to_owned())
}

fn subvolumes(held: &Held, joined: &Joined<'_>) -> Vec<SubvolumeFacts> {
    let Some(own) = &held.subvolumes else {
        return Vec::new();
    };
    let mounted = |path: &str| {
        let is_it = |place: &Place| place.volume == held.id && place.path.trim_matches('/') == path;
        let mut mounts = joined.mounts();
        let found = mounts.find(|(_, place)| is_it(place));
        found.map(|(point, _)| point.to_owned())
    };
    let subvolume = |all: &detente_volume::Subvolume| SubvolumeFacts {
        id: all.id,
        path: all.path.clone(),
        default: all.id == own.default,
        mount_point: mounted(&all.path),
    };
    own.all.iter().map(subvolume).collect()
}

fn luks(held: &Held) -> Option<LuksFacts> {
    let Content::Luks { version, .. } = &held.volume.content else {
        return None;
    };
    let version = *version;
    // What cannot be read of the header is left out.
    let found = luks_facts(&held.volume.window).ok().flatten();
    Some(LuksFacts {
        version,
        cipher: found.as_ref().map(|luks| luks.cipher.clone()),
        slots: found.map(|luks| luks.slots).unwrap_or_default(),
    })
}
