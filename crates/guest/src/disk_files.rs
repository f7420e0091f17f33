//! The files in a machine's disks, whether or not there is a system among them.

use std::sync::Arc;

use detente_block::BlockRead;
use detente_volume::FileSystem;

use crate::device_spec::DeviceSpec;
use crate::error::InspectError;
use crate::facts::{DeviceId, Mount, Place, VolumeId};
use crate::joined::Joined;
use crate::volumes::{Held, Volumes};
use crate::{boot, fstab, root};

/// The files of a machine: as its system would see them, and those of each volume for itself.
/// Nothing is written; nothing of the guest is run.
pub struct DiskFiles {
    volumes: Volumes,
    root: Result<(Place, Vec<Mount>), InspectError>,
}

/// A volume, by the names that [`DiskFiles::volume`] takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeName {
    /// `disk0p2`, `disk0` for a disk without a table, `GROUP/VOLUME`, `md127`.
    pub name: String,
    /// What it holds: `ext4`, `fat`, `luks`, …, `unknown`.
    pub content: String,
    /// Whether we can read it.
    pub is_read: bool,
}

impl DiskFiles {
    /// Looks for the volumes of one machine's disks, the boot disk first, and for its root.
    ///
    /// # Errors
    /// [`InspectError`] when a disk cannot be read. That there is no system is said by
    /// [`Self::tree`] only.
    pub fn open(disks: &[Arc<dyn BlockRead>]) -> Result<Self, InspectError> {
        if disks.is_empty() {
            return Err(InspectError::NoDisk);
        }
        let volumes = Volumes::scan(disks)?;
        let root = find_root(&volumes);
        Ok(Self { volumes, root })
    }

    /// All mounts of the system, joined to one tree.
    ///
    /// # Errors
    /// Why there is no system, or none whose root can be read.
    pub fn tree(&self) -> Result<Box<dyn FileSystem + '_>, &InspectError> {
        let (place, fstab) = self.root.as_ref()?;
        Ok(Box::new(Joined::new(&self.volumes, place.clone(), fstab)))
    }

    /// One volume's file system: by a [`VolumeName`], or as fstab would name it (`UUID=…`,
    /// `LABEL=…`). `None` if there is no such volume or it is not read.
    #[must_use]
    pub fn volume(&self, name: &str) -> Option<&dyn FileSystem> {
        let by_name = self
            .volumes
            .held
            .iter()
            .find(|held| self::name(held.id) == name);
        let id = match by_name {
            Some(held) => held.id,
            None => self.volumes.resolve(&DeviceSpec::parse(name))?,
        };
        self.volumes.fs(id)
    }

    /// Every volume.
    #[must_use]
    pub fn volumes(&self) -> Vec<VolumeName> {
        let named = |held: &Held| VolumeName {
            name: name(held.id),
            content: held.kind().to_owned(),
            is_read: self.volumes.fs(held.id).is_some(),
        };
        self.volumes.held.iter().map(named).collect()
    }
}

/// The root, and what is mounted below it.
fn find_root(volumes: &Volumes) -> Result<(Place, Vec<Mount>), InspectError> {
    let found = boot::find(volumes)?;
    let root = root::find(volumes, &found)?;
    let fstab = fstab::read(volumes, &root.place, root.usr.as_ref())?;
    Ok((root.place, fstab))
}

/// The name of a volume on a command line.
fn name(id: VolumeId) -> String {
    let device = match id.device {
        DeviceId::Disk(disk) => format!("disk{disk}"),
        DeviceId::LogicalVolume(name) | DeviceId::Array(name) => name.as_str().to_owned(),
    };
    match id.partition {
        0 => device,
        number => format!("{device}p{number}"),
    }
}
