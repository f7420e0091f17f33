//! Names of disks that hold on every hardware: by what is on them.

use super::running_path::volume;
use crate::check::DiskName;
use crate::device_spec::DeviceSpec;
use crate::facts::{Facts, VolumeFacts, VolumeId};

/// A name by content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StableName {
    /// The UUID of what is on it.
    Uuid(String),
    /// The identity of the partition.
    PartUuid(String),
}

impl StableName {
    /// As fstab and kernel arguments take it: `UUID=…`.
    pub(crate) fn tag(&self) -> String {
        match self {
            Self::Uuid(id) => format!("UUID={id}"),
            Self::PartUuid(id) => format!("PARTUUID={id}"),
        }
    }

    /// As a path, which everything takes.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Uuid(id) => format!("/dev/disk/by-uuid/{id}"),
            Self::PartUuid(id) => format!("/dev/disk/by-partuuid/{id}"),
        }
    }
}

/// Whether a name is one that other hardware does not give.
pub(crate) fn is_unstable(name: &str) -> bool {
    match DiskName::of(name) {
        DiskName::Kernel(_) | DiskName::Hardware | DiskName::Multipath => true,
        DiskName::Other => false,
    }
}

/// The stable name of what a device's name means; `None` where the image does not tell which volume
/// that is, or where it has no identity of its own.
pub(crate) fn stable_name(facts: &Facts, name: &str) -> Option<StableName> {
    let id = meant(facts, name)?;
    let own = volume(facts, id)?;
    if let Some(uuid) = own.uuid.as_ref().filter(|uuid| is_only(facts, uuid)) {
        return Some(StableName::Uuid(uuid.clone()));
    }
    own.partuuid.clone().map(StableName::PartUuid)
}

/// What is on the volume that a device's name means.
pub(crate) fn content<'a>(facts: &'a Facts, name: &str) -> Option<&'a str> {
    Some(volume(facts, meant(facts, name)?)?.content.as_str())
}

/// The identity of its partition, which the kernel itself knows, without an initramfs.
pub(crate) fn partition_name(facts: &Facts, name: &str) -> Option<StableName> {
    let own = volume(facts, meant(facts, name)?)?;
    own.partuuid.clone().map(StableName::PartUuid)
}

fn meant(facts: &Facts, name: &str) -> Option<VolumeId> {
    match DiskName::of(name) {
        DiskName::Kernel(_) => match DeviceSpec::parse(name) {
            DeviceSpec::Partition { disk, number } => Some(VolumeId::new(disk, number)),
            DeviceSpec::Uuid(_)
            | DeviceSpec::Label(_)
            | DeviceSpec::PartUuid(_)
            | DeviceSpec::PartLabel(_)
            | DeviceSpec::Mapped(_)
            | DeviceSpec::Other(_) => None,
        },
        // With one disk there is no question which one is meant.
        DiskName::Hardware if facts.disks.len() == 1 => {
            let number = name.rsplit_once("-part").map_or("0", |(_, number)| number);
            Some(VolumeId::new(0, number.parse().ok()?))
        }
        DiskName::Multipath if facts.disks.len() == 1 => {
            let rest = name.strip_prefix("/dev/mapper/mpath")?;
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_lowercase());
            let digits = rest
                .trim_start_matches(['-', 'p'])
                .trim_start_matches("art");
            let number = if digits.is_empty() { "0" } else { digits };
            Some(VolumeId::new(0, number.parse().ok()?))
        }
        DiskName::Hardware | DiskName::Multipath | DiskName::Other => None,
    }
}

/// Whether one volume alone has this UUID.
fn is_only(facts: &Facts, uuid: &str) -> bool {
    let disks = facts.disks.iter().flat_map(|disk| &disk.volumes);
    let assembled = facts.assembled.iter().flat_map(|own| &own.volumes);
    let same = |own: &&VolumeFacts| own.uuid.as_deref() == Some(uuid);
    disks.chain(assembled).filter(same).count() == 1
}
