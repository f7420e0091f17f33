//! From disks to volumes: tables, arrays, logical volumes, and each volume's file system.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError, Window};
use detente_volume::{
    AssembledKind, Assembly, Btrfs, Content, FileSystem, FsError, Member, TableKind, Volume,
    assemble, open_xfs,
};

use super::{AssembledSeen, DiskSeen, Held, Subvolumes, Volumes, layered, state};
use crate::boot;
use crate::error::InspectError;
use crate::facts::{self, DeviceId, DeviceName, Table, VolumeId};

impl Volumes {
    /// Scans the disks, puts together what lies on several, and opens every file system that we
    /// read.
    pub(crate) fn scan(disks: &[Arc<dyn BlockRead>]) -> Result<Self, InspectError> {
        let mut all = Self::default();
        let mut found: Vec<(VolumeId, Volume)> = Vec::new();
        for (disk, reader) in disks.iter().enumerate() {
            let failed = |source| InspectError::Disk { disk, source };
            let survey = detente_volume::survey(reader).map_err(failed)?;
            let sector = first_sector(reader.as_ref()).map_err(|error| failed(error.into()))?;
            let (boot_code, active_partition) = boot::code_of_sector(&sector);
            let is_usr = |volume: &Volume| volume.type_id == boot::FLATCAR_USR;
            let priorities = if survey.volumes.iter().any(is_usr) {
                boot::priorities(reader.as_ref()).map_err(|error| failed(error.into()))?
            } else {
                Vec::new()
            };
            all.disks.push(DiskSeen {
                size_bytes: reader.len_bytes(),
                table: table(survey.table),
                boot_code,
                active_partition,
                priorities,
            });
            let notes = survey.notes.iter();
            all.notes
                .extend(notes.map(|note| format!("disk {disk}: {note}")));
            let named = |volume: Volume| (VolumeId::new(disk, volume.number), volume);
            found.extend(survey.volumes.into_iter().map(named));
        }
        all.assemble(&mut found)?;
        let devices = Devices::of(&found);
        for (id, volume) in found {
            all.take(id, volume, &devices)?;
        }
        Ok(all)
    }

    /// Adds what `found` is put together to.
    fn assemble(&mut self, found: &mut Vec<(VolumeId, Volume)>) -> Result<(), InspectError> {
        let members = |(_, volume): &(VolumeId, Volume)| {
            matches!(&volume.content, Content::Other { kind, .. }
                if matches!(*kind, "LVM2_member" | "linux_raid_member"))
        };
        let given: Vec<usize> = (0..found.len())
            .filter(|&index| found.get(index).is_some_and(members))
            .collect();
        if given.is_empty() {
            return Ok(());
        }
        let volumes = given.iter().filter_map(|&index| found.get(index));
        let volumes: Vec<Volume> = volumes.map(|(_, volume)| volume.clone()).collect();
        let first = found.get(*given.first().unwrap_or(&0)).map(|(id, _)| *id);
        let disk = first.and_then(VolumeId::disk).unwrap_or(0);
        let assembly = assemble(&volumes);
        let assembly = assembly.map_err(|source| InspectError::Disk { disk, source })?;
        let given = given.iter().filter_map(|&index| found.get(index));
        let given: Vec<VolumeId> = given.map(|(id, _)| *id).collect();
        self.add(assembly, &given, found);
        Ok(())
    }

    fn add(&mut self, assembly: Assembly, given: &[VolumeId], found: &mut Vec<(VolumeId, Volume)>) {
        self.notes.extend(assembly.notes);
        let mut ids: Vec<(DeviceId, Vec<u32>)> = Vec::new();
        for device in assembly.devices {
            let on = device.on.iter().filter_map(|member| match *member {
                Member::Given(index) => given.get(index).copied(),
                Member::Assembled { device, volume } => {
                    let (device, partitions) = ids.get(device)?;
                    let (device, partition) = (*device, *partitions.get(volume)?);
                    Some(VolumeId { device, partition })
                }
            });
            let on = on.collect();
            let name = if device.name.is_empty() {
                device.uuid.get(..8).unwrap_or_default().to_owned()
            } else {
                device.name
            };
            let id = match device.kind {
                AssembledKind::LogicalVolume => DeviceId::LogicalVolume(DeviceName::new(&name)),
                AssembledKind::Array => DeviceId::Array(DeviceName::new(&name)),
            };
            let (survey, unread) = match device.content {
                Ok(survey) => (Some(survey), None),
                Err(why) => (None, Some(why)),
            };
            let tabled = survey
                .as_ref()
                .map_or(Table::None, |survey| table(survey.table));
            let volumes = survey.map(|survey| survey.volumes).unwrap_or_default();
            ids.push((id, volumes.iter().map(|volume| volume.number).collect()));
            let named = |volume: Volume| {
                let (device, partition) = (id, volume.number);
                (VolumeId { device, partition }, volume)
            };
            found.extend(volumes.into_iter().map(named));
            self.assembled.push(AssembledSeen {
                id,
                facts: facts::Assembled {
                    name,
                    kind: match device.kind {
                        AssembledKind::LogicalVolume => facts::AssembledKind::LogicalVolume,
                        AssembledKind::Array => facts::AssembledKind::Array,
                    },
                    layout: device.layout,
                    uuid: Some(device.uuid).filter(|uuid| !uuid.is_empty()),
                    size_bytes: device.len_bytes,
                    on,
                    missing: device.missing,
                    unread,
                    table: tabled,
                    volumes: Vec::new(),
                },
            });
        }
    }

    fn take(
        &mut self,
        id: VolumeId,
        volume: Volume,
        devices: &Devices,
    ) -> Result<(), InspectError> {
        let opened = match &volume.content {
            Content::Btrfs { uuid, .. } => open_btrfs(devices.of_uuid(uuid)),
            Content::Xfs { .. } => open_xfs(&volume.window).map(|(fs, state)| {
                let note = |note| self.notes.push(format!("{id}: {note}"));
                Opened {
                    dirty: Some(state::dirty_xfs(&state, note)),
                    ..Opened::plain(fs)
                }
            }),
            Content::Luks { .. } | Content::Other { .. } | Content::Unknown => {
                Ok(Opened::default())
            }
            // `Content` may grow in its own crate.
            _ => detente_volume::open(&volume).map(Opened::plain),
        };
        let Opened {
            fs,
            subvolumes,
            dirty,
        } = match opened {
            Ok(opened) => opened,
            Err(source @ FsError::Read(ReadError::Io { .. })) => {
                return Err(InspectError::on(id, source));
            }
            // Another volume may be the one that matters.
            Err(error) => {
                self.notes.push(format!("{id} is not read: {error}"));
                self.unreadable.push((id, error));
                Opened::default()
            }
        };
        let dirty = match dirty {
            Some(dirty) => Some(dirty),
            None => state::dirty(&volume).map_err(|source| InspectError::on(id, source))?,
        };
        self.held.push(Held {
            id,
            volume,
            fs,
            subvolumes,
            dirty,
        });
        Ok(())
    }
}

/// The volumes that are parts of one btrfs.
struct Devices(Vec<(String, Window)>);

impl Devices {
    fn of(found: &[(VolumeId, Volume)]) -> Self {
        let part = |(_, volume): &(VolumeId, Volume)| match &volume.content {
            Content::Btrfs { uuid, .. } => Some((uuid.clone(), volume.window.clone())),
            _ => None,
        };
        Self(found.iter().filter_map(part).collect())
    }

    fn of_uuid(&self, uuid: &str) -> Vec<Window> {
        let parts = self.0.iter().filter(|(own, _)| own == uuid);
        parts.map(|(_, window)| window.clone()).collect()
    }
}

/// What became of opening a volume.
#[derive(Default)]
struct Opened {
    fs: Option<Box<dyn FileSystem>>,
    subvolumes: Option<Subvolumes>,
    /// Where opening it says so.
    dirty: Option<bool>,
}

impl Opened {
    fn plain(fs: Box<dyn FileSystem>) -> Self {
        let fs = Some(fs);
        Self {
            fs,
            ..Self::default()
        }
    }
}

/// The top level of a btrfs; what is not there is looked for in its default subvolume.
fn open_btrfs(devices: Vec<Window>) -> Result<Opened, FsError> {
    /// \[btrfs\] `BTRFS_FS_TREE_OBJECTID`.
    const TOP_LEVEL: u64 = 5;
    let btrfs = Btrfs::open(&devices)?;
    let default = btrfs.default_subvolume();
    let all = btrfs.subvolumes()?;
    let top = btrfs.open_subvolume(TOP_LEVEL)?;
    let fs = if default == TOP_LEVEL {
        top
    } else {
        layered::join(top, btrfs.open_subvolume(default)?)
    };
    Ok(Opened {
        subvolumes: Some(Subvolumes { all, default }),
        ..Opened::plain(fs)
    })
}

fn table(kind: TableKind) -> Table {
    match kind {
        TableKind::Gpt => Table::Gpt,
        TableKind::Mbr => Table::Mbr,
        TableKind::None => Table::None,
    }
}

/// Zeros where the disk is shorter.
fn first_sector(disk: &dyn BlockRead) -> Result<[u8; 512], ReadError> {
    let mut sector = [0; 512];
    if disk.len_bytes() >= 512 {
        disk.read_exact_at(0, &mut sector)?;
    }
    Ok(sector)
}
