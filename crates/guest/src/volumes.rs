//! The volumes of a machine: found on every disk, named in every way that Linux and GRUB name them.

mod layered;
mod names;
mod scan;
mod state;

use detente_volume::{Content, FileKind, FileSystem, FsError, Subvolume, Volume};

use crate::device_spec::DeviceSpec;
use crate::error::InspectError;
use crate::facts::{Assembled, BootCodeKind, DeviceId, Place, Table, VolumeId};
use crate::files::absent;

/// A disk without its volumes.
pub(crate) struct DiskSeen {
    pub(crate) size_bytes: u64,
    pub(crate) table: Table,
    /// Whose code its first sector has.
    pub(crate) boot_code: BootCodeKind,
    pub(crate) active_partition: Option<u32>,
    /// Of Flatcar's partitions for `/usr`, by number.
    pub(crate) priorities: Vec<(u32, u8)>,
}

/// A volume, with its file system where we read it.
pub(crate) struct Held {
    pub(crate) id: VolumeId,
    pub(crate) volume: Volume,
    /// Of a btrfs: the top level; what is not there is looked for in the default subvolume.
    pub(crate) fs: Option<Box<dyn FileSystem>>,
    /// Of a btrfs.
    pub(crate) subvolumes: Option<Subvolumes>,
    /// Whether it was not unmounted; `None` where that is not known.
    pub(crate) dirty: Option<bool>,
}

/// The subvolumes of a btrfs.
pub(crate) struct Subvolumes {
    pub(crate) all: Vec<Subvolume>,
    /// The number of the one that is mounted where none is named.
    pub(crate) default: u64,
}

/// A device that was put together, without its volumes.
pub(crate) struct AssembledSeen {
    pub(crate) id: DeviceId,
    pub(crate) facts: Assembled,
}

impl AssembledSeen {
    /// The volume that fills it.
    pub(crate) fn whole(&self) -> VolumeId {
        VolumeId {
            device: self.id,
            partition: 0,
        }
    }
}

/// The volumes of all disks.
#[derive(Default)]
pub(crate) struct Volumes {
    pub(crate) disks: Vec<DiskSeen>,
    pub(crate) assembled: Vec<AssembledSeen>,
    pub(crate) held: Vec<Held>,
    pub(crate) notes: Vec<String>,
    /// Volumes that should be readable, and why they are not.
    pub(crate) unreadable: Vec<(VolumeId, FsError)>,
}

impl Volumes {
    pub(crate) fn get(&self, id: VolumeId) -> Option<&Held> {
        self.held.iter().find(|held| held.id == id)
    }

    /// The volumes with a file system that we read.
    pub(crate) fn readable(&self) -> impl Iterator<Item = &Held> {
        self.held.iter().filter(|held| held.fs.is_some())
    }

    /// The first volume that a name means.
    pub(crate) fn resolve(&self, spec: &DeviceSpec) -> Option<VolumeId> {
        if let DeviceSpec::Mapped(path) = spec {
            return self.mapped(path);
        }
        let wanted = |held: &&Held| match spec {
            DeviceSpec::Uuid(uuid) => held
                .uuid()
                .is_some_and(|own| own.eq_ignore_ascii_case(uuid)),
            DeviceSpec::Label(label) => held.label().is_some_and(|own| own == label),
            DeviceSpec::PartUuid(uuid) => held
                .volume
                .partuuid
                .as_ref()
                .is_some_and(|own| own.eq_ignore_ascii_case(uuid)),
            DeviceSpec::PartLabel(name) => held.volume.name.as_ref() == Some(name),
            DeviceSpec::Partition { disk, number } => held.id == VolumeId::new(*disk, *number),
            // Those are names of devices, not of volumes.
            DeviceSpec::Mapped(_) | DeviceSpec::Other(_) => false,
        };
        self.held.iter().find(wanted).map(|held| held.id)
    }

    /// What a mount of `volume` with these options shows. \[btrfs(5)\] `subvol=` and `subvolid=`
    /// name a subvolume, else it is the default one.
    pub(crate) fn mounted(&self, volume: VolumeId, options: &str) -> Place {
        let held = self.get(volume);
        let subvolumes = held.and_then(|held| held.subvolumes.as_ref());
        let path = subvolumes.map_or_else(String::new, |own| own.path(options));
        let path = format!("/{}", path.trim_matches('/'));
        Place { volume, path }
    }

    /// A whole file of at most `limit_bytes`; `None` if there is none of that name and size.
    pub(crate) fn read(
        &self,
        volume: VolumeId,
        path: &str,
        limit_bytes: u64,
    ) -> Result<Option<Vec<u8>>, InspectError> {
        let Some(fs) = self.fs(volume) else {
            return Ok(None);
        };
        absent(fs.read(path, limit_bytes)).map_err(|source| InspectError::on(volume, source))
    }

    /// A whole file as text; what is not UTF-8 is replaced.
    pub(crate) fn text(
        &self,
        volume: VolumeId,
        path: &str,
        limit_bytes: u64,
    ) -> Result<Option<String>, InspectError> {
        let bytes = self.read(volume, path, limit_bytes)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The first bytes of a file, at most `len`.
    pub(crate) fn head(
        &self,
        volume: VolumeId,
        path: &str,
        len: usize,
    ) -> Result<Option<Vec<u8>>, InspectError> {
        let Some(fs) = self.fs(volume) else {
            return Ok(None);
        };
        let head = || -> Result<Vec<u8>, FsError> {
            let file = fs.open(path)?;
            let len = usize::try_from(file.len_bytes()).map_or(len, |all| all.min(len));
            let mut bytes = vec![0; len];
            file.read_exact_at(0, &mut bytes)?;
            Ok(bytes)
        };
        absent(head()).map_err(|source| InspectError::on(volume, source))
    }

    /// The names in a folder, sorted; none if there is no such folder.
    pub(crate) fn list(&self, volume: VolumeId, path: &str) -> Result<Vec<String>, InspectError> {
        let Some(fs) = self.fs(volume) else {
            return Ok(Vec::new());
        };
        let entries = absent(fs.read_dir(path)).map_err(|error| InspectError::on(volume, error))?;
        let mut names: Vec<String> = entries
            .unwrap_or_default()
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        names.sort();
        Ok(names)
    }

    /// What stands at a path, links followed.
    pub(crate) fn kind(
        &self,
        volume: VolumeId,
        path: &str,
    ) -> Result<Option<FileKind>, InspectError> {
        let Some(fs) = self.fs(volume) else {
            return Ok(None);
        };
        let metadata =
            absent(fs.metadata(path)).map_err(|error| InspectError::on(volume, error))?;
        Ok(metadata.map(|metadata| metadata.kind))
    }

    /// Whether a regular file is there.
    pub(crate) fn is_file(&self, place: &Place) -> Result<bool, InspectError> {
        Ok(self.kind(place.volume, &place.path)? == Some(FileKind::File))
    }

    pub(crate) fn fs(&self, volume: VolumeId) -> Option<&dyn FileSystem> {
        self.get(volume)?.fs.as_deref()
    }

    /// Every volume in words, for messages.
    pub(crate) fn in_words(&self) -> String {
        if self.held.is_empty() {
            return "the disk has no partition".to_owned();
        }
        let words = self
            .held
            .iter()
            .take(32)
            .map(|held| match (held.id.partition, held.kind()) {
                (0, "unknown") => {
                    format!(
                        "{} has no partition table and no file system that is known",
                        held.id
                    )
                }
                (_, kind) => format!("{}: {kind}", held.id),
            });
        let words: Vec<String> = words.collect();
        format!("seen: {}", words.join(", "))
    }
}

impl Subvolumes {
    /// The path from the top level of what these mount options show.
    fn path(&self, options: &str) -> String {
        let value = |name| {
            let mut options = options.split(',');
            options.find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
        };
        if let Some(path) = value("subvol") {
            return path.to_owned();
        }
        let id = value("subvolid").and_then(|id| id.parse().ok());
        // \[btrfs(5)\] 0 means the top level too.
        let id = match id {
            Some(0) => 5,
            Some(id) => id,
            None => self.default,
        };
        let found = self.all.iter().find(|own| own.id == id);
        found.map(|own| own.path.clone()).unwrap_or_default()
    }
}

impl Held {
    /// `blkid`'s name of what the volume holds.
    pub(crate) fn kind(&self) -> &str {
        match &self.volume.content {
            Content::Ext4 { .. } => "ext4",
            Content::Fat { .. } => "fat",
            Content::Xfs { .. } => "xfs",
            Content::Btrfs { .. } => "btrfs",
            Content::Iso { .. } => "iso9660",
            Content::Luks { .. } => "luks",
            Content::Other { kind, .. } => kind,
            // `Content` may grow in its own crate.
            _ => "unknown",
        }
    }

    pub(crate) fn uuid(&self) -> Option<&str> {
        match &self.volume.content {
            Content::Ext4 { uuid, .. }
            | Content::Fat { uuid, .. }
            | Content::Xfs { uuid, .. }
            | Content::Btrfs { uuid, .. }
            | Content::Luks { uuid, .. } => Some(uuid),
            Content::Other { uuid, .. } | Content::Iso { uuid, .. } => uuid.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn label(&self) -> Option<&str> {
        match &self.volume.content {
            Content::Ext4 { label, .. }
            | Content::Fat { label, .. }
            | Content::Xfs { label, .. }
            | Content::Btrfs { label, .. }
            | Content::Iso { label, .. } => Some(label.as_str()).filter(|label| !label.is_empty()),
            _ => None,
        }
    }

    /// \[UEFI\] 5.3.3 and the MBR type byte.
    pub(crate) fn is_esp(&self) -> bool {
        matches!(
            self.volume.type_id.as_str(),
            "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" | "0xef"
        )
    }

    /// GRUB's own partition on a GPT disk that a BIOS starts.
    pub(crate) fn is_bios_boot(&self) -> bool {
        self.volume.type_id == "21686148-6449-6e6f-744e-656564454649"
    }

    /// The Boot Loader Specification's partition for kernels, beside an ESP.
    pub(crate) fn is_xbootldr(&self) -> bool {
        self.volume.type_id == "bc13c2ff-59e6-4262-a352-b275fd6f7172"
    }

    /// The Discoverable Partitions Specification's root for x86-64.
    pub(crate) fn is_discoverable_root(&self) -> bool {
        self.volume.type_id == "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
    }
}
