//! The volumes of a machine: found on every disk, named in every way that Linux and GRUB name them.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};
use detente_volume::{Content, FileKind, FileSystem, FsError, TableKind, Volume};

use crate::device_spec::DeviceSpec;
use crate::error::InspectError;
use crate::facts::{Place, Table, VolumeId};
use crate::files::absent;

/// A disk without its volumes.
pub(crate) struct DiskSeen {
    pub(crate) size_bytes: u64,
    pub(crate) table: Table,
    /// Whether its first sector has the start of GRUB in it.
    pub(crate) boot_code: bool,
}

/// A volume, with its file system where we read it.
pub(crate) struct Held {
    pub(crate) id: VolumeId,
    pub(crate) volume: Volume,
    pub(crate) fs: Option<Box<dyn FileSystem>>,
}

/// The volumes of all disks.
#[derive(Default)]
pub(crate) struct Volumes {
    pub(crate) disks: Vec<DiskSeen>,
    pub(crate) held: Vec<Held>,
    pub(crate) notes: Vec<String>,
    /// Volumes that should be readable, and why they are not.
    pub(crate) unreadable: Vec<(VolumeId, FsError)>,
}

impl Volumes {
    /// Scans the disks and opens every file system that we read.
    pub(crate) fn scan(disks: &[Arc<dyn BlockRead>]) -> Result<Self, InspectError> {
        let mut all = Self::default();
        for (disk, reader) in disks.iter().enumerate() {
            let failed = |source| InspectError::Disk { disk, source };
            let survey = detente_volume::survey(reader).map_err(failed)?;
            let boot_code = has_boot_code(reader.as_ref()).map_err(|error| failed(error.into()))?;
            let table = match survey.table {
                TableKind::Gpt => Table::Gpt,
                TableKind::Mbr => Table::Mbr,
                TableKind::None => Table::None,
            };
            all.disks.push(DiskSeen {
                size_bytes: reader.len_bytes(),
                table,
                boot_code,
            });
            let noted = survey
                .notes
                .iter()
                .map(|note| format!("disk {disk}: {note}"));
            all.notes.extend(noted);
            for volume in survey.volumes {
                all.take(VolumeId::new(disk, volume.number), volume)?;
            }
        }
        Ok(all)
    }

    fn take(&mut self, id: VolumeId, volume: Volume) -> Result<(), InspectError> {
        let readable = matches!(
            volume.content,
            Content::Ext4 { .. } | Content::Xfs { .. } | Content::Fat { .. }
        );
        let fs = match readable.then(|| detente_volume::open(&volume)) {
            Some(Ok(fs)) => Some(fs),
            Some(Err(source @ FsError::Read(ReadError::Io { .. }))) => {
                return Err(InspectError::on(id, source));
            }
            // Another volume may be the one that matters.
            Some(Err(error)) => {
                self.notes.push(format!("{id} is not read: {error}"));
                self.unreadable.push((id, error));
                None
            }
            None => None,
        };
        self.held.push(Held { id, volume, fs });
        Ok(())
    }

    pub(crate) fn get(&self, id: VolumeId) -> Option<&Held> {
        self.held.iter().find(|held| held.id == id)
    }

    /// The volumes with a file system that we read.
    pub(crate) fn readable(&self) -> impl Iterator<Item = &Held> {
        self.held.iter().filter(|held| held.fs.is_some())
    }

    /// The first volume that a name means.
    pub(crate) fn resolve(&self, spec: &DeviceSpec) -> Option<VolumeId> {
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
            DeviceSpec::Mapped(_) | DeviceSpec::Other(_) => false,
        };
        self.held.iter().find(wanted).map(|held| held.id)
    }

    /// What a mount of `volume` with these options shows. \[btrfs(5)\] `subvol=` names a subvolume.
    pub(crate) fn mounted(&self, volume: VolumeId, options: &str) -> Place {
        let btrfs = self.get(volume).is_some_and(|held| held.kind() == "btrfs");
        let mut options = options.split(',');
        let name = options.find_map(|option| option.strip_prefix("subvol="));
        let name = name.filter(|_| btrfs).unwrap_or_default();
        let path = format!("/{}", name.trim_matches('/'));
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

impl Held {
    /// `blkid`'s name of what the volume holds.
    pub(crate) fn kind(&self) -> &str {
        match &self.volume.content {
            Content::Ext4 { .. } => "ext4",
            Content::Fat { .. } => "fat",
            Content::Xfs { .. } => "xfs",
            Content::Btrfs { .. } => "btrfs",
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
            Content::Other { uuid, .. } => uuid.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn label(&self) -> Option<&str> {
        match &self.volume.content {
            Content::Ext4 { label, .. }
            | Content::Fat { label, .. }
            | Content::Xfs { label, .. }
            | Content::Btrfs { label, .. } => {
                Some(label.as_str()).filter(|label| !label.is_empty())
            }
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

/// Whether the first sector starts GRUB: its boot.img has the name in its messages.
fn has_boot_code(disk: &dyn BlockRead) -> Result<bool, ReadError> {
    let mut sector = [0; 512];
    if disk.len_bytes() < 512 {
        return Ok(false);
    }
    disk.read_exact_at(0, &mut sector)?;
    Ok(sector.windows(4).any(|word| word == b"GRUB"))
}
