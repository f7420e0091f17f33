//! The facts, as rules ask for them.

use super::Profile;
use super::command_line::{Argument, arguments};
use super::entry::{self, BootEntry};
use crate::facts::{Assembled, AssembledKind, DeviceId, DeviceName, Facts, VolumeFacts, VolumeId};

/// The facts of a guest, for one profile.
#[derive(Debug)]
pub struct View<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) profile: Profile,
    pub(crate) entries: Vec<BootEntry<'a>>,
}

impl<'a> View<'a> {
    pub(crate) fn new(facts: &'a Facts, profile: Profile) -> Self {
        Self {
            facts,
            profile,
            entries: entry::all(facts),
        }
    }

    /// The entry that starts by itself.
    pub(crate) fn default_entry(&self) -> Option<&BootEntry<'a>> {
        self.entries.iter().find(|entry| entry.is_default)
    }

    /// The entries that somebody would have to choose.
    pub(crate) fn other_entries(&self) -> impl Iterator<Item = &BootEntry<'a>> {
        self.entries.iter().filter(|entry| !entry.is_default)
    }

    /// The arguments of the entry that starts by itself.
    pub(crate) fn arguments(&self) -> Vec<Argument> {
        let line = self.default_entry().and_then(|entry| entry.command_line);
        line.map(arguments).unwrap_or_default()
    }

    /// The file with the boot menu.
    pub(crate) fn menu(&self) -> &'a str {
        let config = self.facts.boot.config.as_ref();
        config.map_or("the boot menu", |place| &place.path)
    }

    /// All volumes of all devices, with their names.
    pub(crate) fn volumes(&self) -> impl Iterator<Item = (VolumeId, &'a VolumeFacts)> {
        let disks = self.facts.disks.iter().enumerate();
        let disks = disks.map(|(disk, own)| (DeviceId::Disk(disk), &own.volumes));
        let assembled = self.facts.assembled.iter();
        let assembled = assembled.map(|own| (device(own), &own.volumes));
        disks.chain(assembled).flat_map(|(device, volumes)| {
            volumes.iter().map(move |volume| {
                let partition = volume.number;
                (VolumeId { device, partition }, volume)
            })
        })
    }

    /// The volume that becomes `/`.
    pub(crate) fn root(&self) -> Option<&'a VolumeFacts> {
        let mut volumes = self.volumes();
        let found = volumes.find(|(id, _)| *id == self.facts.root);
        found.map(|(_, volume)| volume)
    }

    /// The first number of the release: 9 of `9.4`, 22 of `22.04`.
    pub(crate) fn major(&self) -> Option<u32> {
        let version = self.facts.operating_system.version_id.as_deref()?;
        version.split('.').next()?.parse().ok()
    }
}

fn device(assembled: &Assembled) -> DeviceId {
    let name = DeviceName::new(&assembled.name);
    match assembled.kind {
        AssembledKind::LogicalVolume => DeviceId::LogicalVolume(name),
        AssembledKind::Array => DeviceId::Array(name),
    }
}
