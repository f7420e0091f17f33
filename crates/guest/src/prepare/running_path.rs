//! Where a file on a volume is in the running guest.

use crate::facts::{AssembledKind, DeviceId, DeviceName, Facts, Place, VolumeFacts, VolumeId};

/// A volume's facts.
pub(crate) fn volume(facts: &Facts, id: VolumeId) -> Option<&VolumeFacts> {
    let volumes = match id.device {
        DeviceId::Disk(disk) => &facts.disks.get(disk)?.volumes,
        DeviceId::LogicalVolume(name) => assembled(facts, name, AssembledKind::LogicalVolume)?,
        DeviceId::Array(name) => assembled(facts, name, AssembledKind::Array)?,
    };
    volumes.iter().find(|own| own.number == id.partition)
}

fn assembled(facts: &Facts, name: DeviceName, kind: AssembledKind) -> Option<&Vec<VolumeFacts>> {
    let mut all = facts.assembled.iter();
    let found = all.find(|own| own.kind == kind && DeviceName::new(&own.name) == name);
    found.map(|own| &own.volumes)
}

/// The path in the running guest; `None` where the volume, or the subvolume, is not mounted.
pub(crate) fn running_path(facts: &Facts, place: &Place) -> Option<String> {
    let volume = volume(facts, place.volume)?;
    let mounted = volume.subvolumes.iter().filter_map(|own| {
        let rest = below(&place.path, &own.path)?;
        Some((own.path.len(), own.mount_point.as_deref()?, rest))
    });
    // The deepest subvolume counts.
    let subvolume = mounted.max_by_key(|(depth, _, _)| *depth);
    let (point, rest) = match subvolume {
        Some((_, point, rest)) => (point, rest),
        None => (volume.mount_point.as_deref()?, place.path.as_str()),
    };
    let rest = rest.trim_start_matches('/');
    Some(format!("{}/{rest}", point.trim_end_matches('/')))
}

/// What of a path is below a folder; both from the root of the same volume.
fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let folder = folder.trim_matches('/');
    let rest = path.trim_start_matches('/').strip_prefix(folder)?;
    (rest.is_empty() || rest.starts_with('/') || folder.is_empty()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_told_from_names_that_begin_alike() {
        assert_eq!(below("/@/boot/x", "@"), Some("/boot/x"));
        assert_eq!(below("/@home/x", "@"), None);
        assert_eq!(below("/x", ""), Some("x"));
    }
}
