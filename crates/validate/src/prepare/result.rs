//! The changed disks, looked at before they are copied.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{FileBackend, ListGate};
use detente_disk::Image;
use detente_guest::check::{Profile, Readiness, check};
use detente_guest::facts::VolumeFacts;
use detente_guest::{Facts, Guest, Options, inspect};

use super::error::PrepareError;
use crate::DiskInput;
use crate::chain::files;

/// The changed disks and what they hold.
pub(crate) struct Looked {
    pub(crate) images: Vec<Image>,
    pub(crate) guest: Guest,
}

impl Looked {
    /// Looks at the overlays above their disks; every file system that was clean has to be clean.
    pub(crate) fn at(
        disks: &[DiskInput],
        overlays: &[PathBuf],
        before: &Guest,
    ) -> Result<Self, PrepareError> {
        let opened = disks
            .iter()
            .zip(overlays)
            .map(|(disk, overlay)| open(disk, overlay));
        let images = opened.collect::<Result<Vec<Image>, _>>()?;
        let readers: Vec<_> = images.iter().map(|image| image.reader.clone()).collect();
        let options = Options {
            initramfs_contents: true,
            ..Options::default()
        };
        let guest = inspect(&readers, options).map_err(|source| PrepareError::Inspect {
            what: "the changed disk",
            source,
        })?;
        let was_clean: Vec<String> = volumes(before.facts())
            .filter(|(_, volume)| volume.dirty != Some(true) || is_mounted(volume))
            .map(|(name, _)| name)
            .collect();
        let dirty = volumes(guest.facts()).find(|(name, volume)| {
            volume.dirty == Some(true) && is_journaled(volume) && was_clean.contains(name)
        });
        if let Some((volume, _)) = dirty {
            return Err(PrepareError::NotClean { volume });
        }
        Ok(Self { images, guest })
    }

    /// How ready the guest is now.
    pub(crate) fn readiness(&self, profiles: &[Profile]) -> Readiness {
        check(self.guest.facts(), profiles)
    }
}

fn is_mounted(volume: &VolumeFacts) -> bool {
    volume.mount_point.is_some()
}

/// Linux leaves the mark of a FAT that was in use before it was mounted.
fn is_journaled(volume: &VolumeFacts) -> bool {
    volume.content != "fat"
}

/// Every volume with a name that is the same before and after.
fn volumes(facts: &Facts) -> impl Iterator<Item = (String, &VolumeFacts)> {
    let on_disks = facts.disks.iter().enumerate().flat_map(|(number, disk)| {
        let named = move |volume| (format!("disk {number}"), volume);
        disk.volumes.iter().map(named)
    });
    let assembled = facts.assembled.iter().flat_map(|device| {
        let named = |volume| (device.name.clone(), volume);
        device.volumes.iter().map(named)
    });
    on_disks.chain(assembled).map(|(device, volume)| {
        let name = match volume.number {
            0 => device,
            number => format!("{device} partition {number}"),
        };
        (name, volume)
    })
}

/// The overlay above a disk, resting on the disk's own files alone.
fn open(disk: &DiskInput, overlay: &Path) -> Result<Image, PrepareError> {
    let unopened = || PrepareError::Reopen {
        path: overlay.to_owned(),
    };
    let file = FileBackend::open(overlay).map_err(|_| unopened())?;
    let gate = ListGate::of(overlay, &files(disk));
    detente_disk::open(overlay, Arc::new(file), &gate).map_err(|_| unopened())
}
