//! What a machine is started from, in order.

use super::Writer;
use super::drives::Drives;
use crate::hyperv_inventory::{BootDevice, BootSource, BootSourceType, ControllerType};
use crate::spec::{DiskDevice, NicModel};

/// A device that a machine can be started from.
#[derive(Clone, Copy)]
enum Device {
    Disk(usize),
    Card(usize),
}

impl Writer<'_> {
    /// By rank; without ranks the disks, then drives. Cards are asked only where they have a rank.
    fn ranked(&self) -> Vec<Device> {
        let mut devices = Vec::new();
        for (index, disk) in self.spec.disks.iter().enumerate() {
            let class = u32::from(disk.device != DiskDevice::Disk);
            let rank = disk.boot_order.map_or((1, class), |rank| (0, rank));
            devices.push((rank, Device::Disk(index)));
        }
        for (index, nic) in self.spec.nics.iter().enumerate() {
            if let Some(rank) = nic.boot_order {
                devices.push(((0, rank), Device::Card(index)));
            }
        }
        devices.sort_by_key(|(rank, _)| *rank);
        devices.into_iter().map(|(_, device)| device).collect()
    }

    /// Generation 2: device by device.
    pub(super) fn boot_sources(&self, drives: &Drives) -> Vec<BootSource> {
        let source = |device: Device| match device {
            Device::Disk(index) => {
                let (_, place) = drives.places.iter().find(|(own, _)| *own == index)?;
                Some(BootSource {
                    kind: BootSourceType::Drive,
                    controller_number: Some(place.number),
                    controller_location: Some(place.location),
                    network_adapter: None,
                })
            }
            Device::Card(index) => Some(BootSource {
                kind: BootSourceType::Network,
                controller_number: None,
                controller_location: None,
                network_adapter: u32::try_from(index).ok(),
            }),
        };
        self.ranked().into_iter().filter_map(source).collect()
    }

    /// Generation 1: kind by kind, all of them.
    pub(super) fn startup_order(&self, drives: &Drives) -> Vec<BootDevice> {
        if self.generation != 1 {
            return Vec::new();
        }
        let mut order = Vec::new();
        let mut add = |kind: BootDevice| {
            if !order.contains(&kind) {
                order.push(kind);
            }
        };
        for device in self.ranked() {
            match device {
                Device::Disk(index) => {
                    let disk = self.spec.disks.get(index).map(|disk| disk.device);
                    let place = drives.places.iter().find(|(own, _)| *own == index);
                    match (disk, place.map(|(_, place)| place.controller)) {
                        (Some(DiskDevice::Disk), Some(ControllerType::IDE)) => add(BootDevice::IDE),
                        (Some(DiskDevice::Cdrom), Some(_)) => add(BootDevice::CD),
                        _ => {}
                    }
                }
                Device::Card(index) => {
                    let model = self.spec.nics.get(index).map(|nic| &nic.model);
                    if model == Some(&NicModel::Legacy) {
                        add(BootDevice::LegacyNetworkAdapter);
                    }
                }
            }
        }
        // Set-VMBios takes all four or none.
        for kind in [
            BootDevice::IDE,
            BootDevice::CD,
            BootDevice::LegacyNetworkAdapter,
            BootDevice::Floppy,
        ] {
            add(kind);
        }
        order
    }
}
