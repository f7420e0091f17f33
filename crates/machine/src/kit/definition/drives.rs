//! Where disks and drives go: SCSI in generation 2; in generation 1 what starts it is on IDE.

use super::super::{KitError, disk_file};
use super::Writer;
use crate::hyperv_inventory::{ControllerType, DvdDrive, HardDiskDrive, VhdType};
use crate::loss::{Gate, Losses};
use crate::spec::{Bus, Disk, DiskAccess, DiskDevice, Slot};

/// Four SCSI controllers of 64 places each.
const SCSI_CONTROLLERS: u32 = 4;
const SCSI_LOCATIONS: u32 = 64;
const SCSI_PLACES: usize = 256;
/// Two IDE channels of two places each.
const IDE_PLACES: [(u32, u32); 4] = [(0, 0), (0, 1), (1, 0), (1, 1)];

/// Disks and drives with their places, and which of the definition's they are.
pub(super) struct Drives {
    pub(super) hard_disk_drives: Vec<HardDiskDrive>,
    pub(super) dvd_drives: Vec<DvdDrive>,
    /// The definition's disk, and its place.
    pub(super) places: Vec<(usize, Place)>,
}

/// A place on a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) controller: ControllerType,
    pub(super) number: u32,
    pub(super) location: u32,
}

impl Writer<'_> {
    pub(super) fn drives(&self, losses: &mut Losses) -> Result<Drives, KitError> {
        let disks = &self.spec.disks;
        let places = match self.own_places() {
            Some(places) => places,
            None if self.generation == 1 => self.ide_places()?,
            None => self.scsi_places()?,
        };
        let mut drives = Drives {
            hard_disk_drives: Vec::new(),
            dvd_drives: Vec::new(),
            places,
        };
        for (index, disk) in disks.iter().enumerate() {
            let place = drives.places.iter().find(|(own, _)| *own == index);
            let Some((_, place)) = place.copied() else {
                let why = "nobody puts floppy disks into a machine that was moved";
                losses.dropped(format!("disks[{index}]"), why);
                continue;
            };
            report(index, disk, place, losses);
            match disk.device {
                DiskDevice::Disk => drives.hard_disk_drives.push(hard_disk(index, disk, place)),
                DiskDevice::Cdrom | DiskDevice::Floppy => drives.dvd_drives.push(DvdDrive {
                    controller_type: place.controller,
                    controller_number: place.number,
                    controller_location: place.location,
                    path: None,
                }),
            }
        }
        let order: Vec<_> = drives.places.iter().map(|(_, place)| *place).collect();
        if !order.is_sorted() {
            let why = "what starts generation 1 is on IDE, and the guest finds it first";
            losses.approximated("disks", why);
        }
        Ok(drives)
    }

    /// Those that have places of Hyper-V's keep them, all or none.
    fn own_places(&self) -> Option<Vec<(usize, Place)>> {
        let mut places = Vec::new();
        for (index, disk) in self.placed() {
            let Slot {
                controller: number,
                location,
            } = disk.slot?;
            let on_ide = disk.bus == Bus::Ide && IDE_PLACES.contains(&(number, location));
            let on_scsi =
                disk.bus == Bus::Scsi && number < SCSI_CONTROLLERS && location < SCSI_LOCATIONS;
            let controller = match (self.generation, on_ide, on_scsi) {
                (1, true, _) => ControllerType::IDE,
                (1, _, true) if disk.device == DiskDevice::Disk => ControllerType::SCSI,
                (2, _, true) => ControllerType::SCSI,
                _ => return None,
            };
            let place = Place {
                controller,
                number,
                location,
            };
            places.push((index, place));
        }
        let starts = self.first_disk()?;
        let bootable = |(index, place): &(usize, Place)| {
            *index == starts && (self.generation == 2 || place.controller == ControllerType::IDE)
        };
        places.iter().any(bootable).then_some(places)
    }

    /// Disks and drives that have a place at all.
    fn placed(&self) -> impl Iterator<Item = (usize, &Disk)> {
        let disks = self.spec.disks.iter().enumerate();
        disks.filter(|(_, disk)| disk.device != DiskDevice::Floppy)
    }

    /// The disk that starts the machine.
    fn first_disk(&self) -> Option<usize> {
        let disks = self
            .placed()
            .filter(|(_, disk)| disk.device == DiskDevice::Disk);
        let first = disks.min_by_key(|(index, disk)| (disk.boot_order.unwrap_or(u32::MAX), *index));
        first.map(|(index, _)| index)
    }

    /// Generation 1: the first disk and drives for CD on IDE, the other disks on SCSI.
    fn ide_places(&self) -> Result<Vec<(usize, Place)>, KitError> {
        let first = self.first_disk();
        let mut ide = IDE_PLACES.iter();
        let drives = self
            .placed()
            .filter(|(_, disk)| disk.device == DiskDevice::Cdrom);
        let on_ide: Vec<usize> = first
            .into_iter()
            .chain(drives.map(|(index, _)| index))
            .collect();
        let mut places = Vec::new();
        for index in &on_ide {
            let Some(&(number, location)) = ide.next() else {
                return Err(KitError::TooMany {
                    what: "places on IDE, which drives for CD need",
                    generation: 1,
                    count: on_ide.len(),
                    limit: IDE_PLACES.len(),
                });
            };
            let controller = ControllerType::IDE;
            places.push((
                *index,
                Place {
                    controller,
                    number,
                    location,
                },
            ));
        }
        let others = self.placed().filter(|(index, _)| !on_ide.contains(index));
        places.extend(scsi(others.map(|(index, _)| index))?);
        places.sort_by_key(|(index, _)| *index);
        Ok(places)
    }

    fn scsi_places(&self) -> Result<Vec<(usize, Place)>, KitError> {
        scsi(self.placed().map(|(index, _)| index)).map_err(|error| match error {
            KitError::TooMany {
                what, count, limit, ..
            } => KitError::TooMany {
                what,
                generation: 2,
                count,
                limit,
            },
            other => other,
        })
    }
}

/// One after the other.
fn scsi(disks: impl Iterator<Item = usize>) -> Result<Vec<(usize, Place)>, KitError> {
    let numbers = (0..SCSI_CONTROLLERS).flat_map(|n| (0..SCSI_LOCATIONS).map(move |l| (n, l)));
    let disks: Vec<usize> = disks.collect();
    if disks.len() > SCSI_PLACES {
        return Err(KitError::TooMany {
            what: "places on SCSI",
            generation: 1,
            count: disks.len(),
            limit: SCSI_PLACES,
        });
    }
    let place = |(index, (number, location))| {
        let controller = ControllerType::SCSI;
        (
            index,
            Place {
                controller,
                number,
                location,
            },
        )
    };
    Ok(disks.into_iter().zip(numbers).map(place).collect())
}

fn hard_disk(index: usize, disk: &Disk, place: Place) -> HardDiskDrive {
    HardDiskDrive {
        controller_type: place.controller,
        controller_number: place.number,
        controller_location: place.location,
        path: Some(disk_file(index)),
        disk_number: None,
        shared: disk.access == DiskAccess::Shared,
        size_bytes: disk.size_bytes,
        logical_sector_bytes: disk.sectors.map(|sectors| sectors.logical_bytes),
        physical_sector_bytes: disk.sectors.map(|sectors| sectors.physical_bytes),
        vhd_type: Some(VhdType::Dynamic),
        parent_path: None,
    }
}

fn report(index: usize, disk: &Disk, place: Place, losses: &mut Losses) {
    let field = |name: &str| format!("disks[{index}].{name}");
    let bus = match place.controller {
        ControllerType::IDE => Bus::Ide,
        ControllerType::SCSI => Bus::Scsi,
    };
    if disk.bus != bus {
        let why = format!(
            "{} {}:{} takes the place of {:?}",
            place.controller.name(),
            place.number,
            place.location,
            disk.bus
        );
        losses.approximated(field("bus"), why);
    }
    if disk.serial.is_some() {
        let why = "Hyper-V shows no serial number of a disk's: what mounts disks by it must not";
        losses.approximated(field("serial"), why);
    }
    if disk.wwn.is_some() {
        losses.approximated(field("wwn"), "Hyper-V makes up another World Wide Name");
    }
    match (disk.access, disk.device) {
        (DiskAccess::Shared, _) => losses.refused(
            field("access"),
            Gate::SharedDisk,
            "others use the disk too: their machines must move with it, to a disk that is shared",
        ),
        (DiskAccess::ReadOnly, DiskDevice::Disk) => {
            losses.approximated(field("access"), "Hyper-V lets the guest write to its disks");
        }
        (DiskAccess::ReadOnly | DiskAccess::ReadWrite, _) => {}
    }
    if disk.device == DiskDevice::Cdrom && disk.source.is_some() {
        losses.dropped(
            field("source"),
            "the drive comes empty: what is in it is not the machine's",
        );
    }
}
