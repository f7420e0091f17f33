//! From the volumes of all disks to the devices that are made of them: arrays and logical volumes,
//! and what is on those in turn.

mod arrays;
mod groups;
pub(crate) mod mapped;

use std::sync::Arc;

use detente_block::BlockRead;

use crate::{Content, ScanError, Survey, TableKind, Volume, survey};

/// Devices on devices: a group on an array on a group on disks, and one more.
const MAX_ROUNDS: u32 = 4;
/// All devices together.
const MAX_DEVICES: usize = 1024;
/// Volumes that are looked at as members.
const MAX_MEMBERS: usize = 4096;
/// More notes than this say nothing new.
const MAX_NOTES: usize = 64;

/// A device that is made of volumes.
pub struct Assembled {
    /// What made it.
    pub kind: AssembledKind,
    /// LVM: `GROUP/VOLUME`. An array: its number (`md0`), or the name that it was given; empty if
    /// it has neither.
    pub name: String,
    /// Its identity, as LVM and mdadm print it.
    pub uuid: String,
    /// How its bytes lie, in the words of LVM and md: `linear`, `raid1`, `thin-pool`, ….
    pub layout: String,
    /// How long it is.
    pub len_bytes: u64,
    /// The volumes that it lies on.
    pub on: Vec<Member>,
    /// What of it is not here, by the name that it has there.
    pub missing: Vec<String>,
    /// Whether an array says that it was not stopped; LVM says nothing.
    pub dirty: Option<bool>,
    /// What is on it, or why it cannot be read.
    pub content: Result<Survey, String>,
}

/// What makes a device of volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssembledKind {
    /// LVM.
    LogicalVolume,
    /// Linux software RAID.
    Array,
}

/// A volume that others are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    /// One of those given, by its index.
    Given(usize),
    /// One on an assembled device.
    Assembled {
        /// The device's index.
        device: usize,
        /// The volume's index on it.
        volume: usize,
    },
}

/// All devices that could be put together.
#[derive(Default)]
pub struct Assembly {
    /// In the order in which they were found: each lies on volumes of the given disks, or of
    /// devices before it.
    pub devices: Vec<Assembled>,
    /// What was left out or worked around, a sentence each.
    pub notes: Vec<String>,
}

/// Puts together what `volumes`, those of all disks of a machine, are members of: LVM2 and Linux
/// software RAID, on each other up to four times, at most 1024 devices.
///
/// # Errors
/// [`ScanError`] when a volume cannot be read; what is damaged gets a note.
pub fn assemble(volumes: &[Volume]) -> Result<Assembly, ScanError> {
    let mut assembly = Assembly::default();
    let given = volumes.iter().enumerate();
    let mut new: Vec<(Member, Volume)> = given
        .map(|(index, volume)| (Member::Given(index), volume.clone()))
        .collect();
    let mut groups = groups::Groups::default();
    for _ in 0..MAX_ROUNDS {
        // Arrays first: a group may lie on some, and on disks beside them.
        let mut arrays = arrays::find(&new, &mut assembly)?;
        let on_arrays = assembly.add(&mut arrays)?;
        groups.look(&new, &mut assembly)?;
        groups.look(&on_arrays, &mut assembly)?;
        let members = |volume: &Volume| volume.content.is_other("linux_raid_member");
        new = on_arrays
            .into_iter()
            .filter(|(_, volume)| members(volume))
            .collect();
        if new.is_empty() {
            let mut volumes = groups.build(&mut assembly)?;
            new = assembly.add(&mut volumes)?;
        }
        if new.is_empty() {
            break;
        }
    }
    Ok(assembly)
}

/// A device before anybody looked at what is on it.
struct Bare {
    assembled: Assembled,
    device: Result<Arc<dyn BlockRead>, String>,
}

impl Assembly {
    fn note(&mut self, note: impl Into<String>) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(note.into());
        }
    }

    /// Takes devices, and gives the volumes on them.
    fn add(&mut self, bare: &mut Vec<Bare>) -> Result<Vec<(Member, Volume)>, ScanError> {
        let mut volumes = Vec::new();
        for Bare {
            mut assembled,
            device,
        } in bare.drain(..)
        {
            if self.devices.len() >= MAX_DEVICES {
                self.note(format!(
                    "only the first {MAX_DEVICES} devices are put together"
                ));
                break;
            }
            assembled.content = match device {
                Ok(device) => Ok(survey(&device)?),
                Err(why) => {
                    self.note(format!("{} is not read: {why}", assembled.name));
                    Err(why)
                }
            };
            let device = self.devices.len();
            let found = assembled.content.iter().flat_map(|survey| &survey.volumes);
            let found = found.take(MAX_MEMBERS.saturating_sub(volumes.len()));
            for (volume, found) in found.enumerate() {
                volumes.push((Member::Assembled { device, volume }, found.clone()));
            }
            self.devices.push(assembled);
        }
        Ok(volumes)
    }
}

impl Content {
    /// Whether this is what `blkid` calls `name`.
    fn is_other(&self, name: &str) -> bool {
        matches!(self, Self::Other { kind, .. } if *kind == name)
    }
}

/// Nothing was looked at yet.
fn unseen() -> Result<Survey, String> {
    Ok(Survey {
        table: TableKind::None,
        volumes: Vec::new(),
        notes: Vec::new(),
    })
}
