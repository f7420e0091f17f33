//! Disks and their controllers.

use std::collections::{BTreeMap, BTreeSet};

use super::Writing;
use super::basics::text;
use super::fragments::put_into;
use crate::kvm::{disk_bus, image};
use crate::spec::{Bus, ControllerModel, Disk, DiskAccess, DiskDevice, DiskSource, Slot};
use crate::xml::Element;

/// Disks of a controller of q35's, and of an IDE channel; SCSI's widest bus without a limit of its
/// own.
const SATA_PORTS: u32 = 6;

/// Places that are taken, by bus.
#[derive(Default)]
struct Places {
    taken: BTreeSet<(Bus, u32, u32)>,
    /// How many names of a prefix are given away.
    names: BTreeMap<&'static str, u32>,
}

impl Writing<'_> {
    pub(super) fn disks(&mut self, devices: &mut Element) {
        let mut places = Places::default();
        let mut scsi = BTreeSet::new();
        let spec = self.spec;
        let bus_of = |disk: &Disk| disk_bus(spec, disk, self.options.devices);
        for disk in &spec.disks {
            if bus_of(disk) == disk.bus
                && let Some(slot) = disk.slot
            {
                places
                    .taken
                    .insert((disk.bus, slot.controller, slot.location));
            }
        }
        for (index, disk) in spec.disks.iter().enumerate() {
            let bus = disk_bus(spec, disk, self.options.devices);
            let own = disk.slot.filter(|_| bus == disk.bus);
            let slot = own.unwrap_or_else(|| places.free(bus));
            if bus == Bus::Scsi {
                scsi.insert(slot.controller);
            }
            let name = places.name(bus, slot);
            if let Some(element) = self.disk(index, disk, bus, slot, &name) {
                devices.push(element);
            }
        }
        self.controllers(devices, &scsi);
    }

    fn controllers(&mut self, devices: &mut Element, used: &BTreeSet<u32>) {
        let mut said = BTreeSet::new();
        for (index, own) in self.spec.controllers.iter().enumerate() {
            let model = match &own.model {
                ControllerModel::PlatformDefault => None,
                ControllerModel::VirtioScsi => Some("virtio-scsi"),
                ControllerModel::Other(name) => Some(name.as_str()),
                ControllerModel::Synthetic => {
                    let why = "QEMU has not Hyper-V's controller: its disks become virtio";
                    self.losses
                        .approximated(format!("controllers[{index}]"), why);
                    continue;
                }
            };
            if own.bus != Bus::Scsi {
                let why = "libvirt adds controllers of this kind by itself";
                self.losses
                    .approximated(format!("controllers[{index}]"), why);
                continue;
            }
            said.insert(own.index);
            let mut element = controller(own.index, model);
            put_into(&mut element, &own.extensions);
            devices.push(element);
        }
        for index in used.difference(&said) {
            let why = "SCSI disks are on virtio-scsi";
            self.losses.approximated("controllers", why);
            devices.push(controller(*index, Some("virtio-scsi")));
        }
    }

    fn disk(
        &mut self,
        index: usize,
        disk: &Disk,
        bus: Bus,
        slot: Slot,
        name: &str,
    ) -> Option<Element> {
        let field = format!("disks[{index}]");
        if matches!(disk.source, Some(DiskSource::HostDisk { .. })) {
            return None;
        }
        let device = match disk.device {
            DiskDevice::Disk => "disk",
            DiskDevice::Cdrom => "cdrom",
            DiskDevice::Floppy => "floppy",
        };
        let mut own = Element::new("disk");
        self.source(&field, disk, &mut own);
        own.attributes
            .push(("device".to_owned(), device.to_owned()));
        let target = Element::new("target").with("dev", name);
        own.push(target.with("bus", bus_name(bus)));
        match disk.access {
            DiskAccess::ReadWrite => {}
            DiskAccess::ReadOnly => own.push(Element::new("readonly")),
            DiskAccess::Shared => own.push(Element::new("shareable")),
        }
        self.names(&field, disk, bus, &mut own);
        if let Some(sectors) = disk.sectors {
            let io = Element::new("blockio");
            let io = io.with("logical_block_size", sectors.logical_bytes.to_string());
            own.push(io.with("physical_block_size", sectors.physical_bytes.to_string()));
        }
        if let Some(order) = disk.boot_order {
            own.push(Element::new("boot").with("order", order.to_string()));
        }
        if let Some(address) = address(bus, slot) {
            own.push(address);
        }
        put_into(&mut own, &disk.extensions);
        Some(own)
    }

    fn source(&mut self, field: &str, disk: &Disk, own: &mut Element) {
        let place = image(disk, &format!("{field}.source"), &mut self.losses);
        let mut kind = |kind: &str| own.attributes.push(("type".to_owned(), kind.to_owned()));
        let Some((source, format)) = place else {
            kind("file");
            own.push(driver("raw"));
            return;
        };
        let element = Element::new("source");
        let element = match source {
            DiskSource::Block { path, .. } => {
                kind("block");
                element.with("dev", path)
            }
            DiskSource::Volume { pool, volume, .. } => {
                kind("volume");
                element.with("pool", pool).with("volume", volume)
            }
            DiskSource::Network { protocol, name, .. } => {
                kind("network");
                element.with("protocol", protocol).with("name", name)
            }
            DiskSource::File { path, .. } => {
                kind("file");
                element.with("file", path)
            }
            DiskSource::Claim { name } | DiskSource::HostDisk { name } => {
                kind("file");
                element.with("file", name)
            }
        };
        own.push(driver(&format));
        own.push(element);
    }

    /// Serial number and World Wide Name, as far as libvirt and the bus take them.
    fn names(&mut self, field: &str, disk: &Disk, bus: Bus, own: &mut Element) {
        if let Some(serial) = disk.serial.as_deref().filter(|serial| !serial.is_empty()) {
            // libvirt, schemas/domaincommon.rng, diskSerial.
            let taken = |c: char| c.is_ascii_alphanumeric() || "_.+- ".contains(c);
            if serial.chars().all(taken) && serial.trim() == serial {
                own.push(text("serial", serial));
            } else {
                let why = "libvirt takes letters, digits and _.+- in serial numbers";
                self.losses.dropped(format!("{field}.serial"), why);
            }
        }
        let Some(wwn) = &disk.wwn else {
            return;
        };
        match bus {
            Bus::Scsi | Bus::Sata | Bus::Ide => own.push(text("wwn", wwn.as_str())),
            Bus::Virtio | Bus::Nvme | Bus::Usb | Bus::Floppy => {
                let why = "a disk on this bus has no World Wide Name";
                self.losses.dropped(format!("{field}.wwn"), why);
            }
        }
    }
}

impl Places {
    /// The first place that is free.
    fn free(&mut self, bus: Bus) -> Slot {
        let per_controller = match bus {
            Bus::Ide | Bus::Floppy => 2,
            Bus::Sata => SATA_PORTS,
            Bus::Scsi | Bus::Virtio | Bus::Usb | Bus::Nvme => 16_384,
        };
        let all =
            (0..=u32::from(u16::MAX)).map(|index| (index / per_controller, index % per_controller));
        let free = all
            .map(|(controller, location)| (bus, controller, location))
            .find(|place| !self.taken.contains(place));
        let (_, controller, location) = free.unwrap_or((bus, 255, 0));
        self.taken.insert((bus, controller, location));
        Slot {
            controller,
            location,
        }
    }

    /// The name of a disk, which says its place where there is no address.
    fn name(&mut self, bus: Bus, slot: Slot) -> String {
        let (prefix, by_place) = match bus {
            Bus::Virtio | Bus::Nvme => ("vd", true),
            Bus::Ide => ("hd", false),
            Bus::Floppy => ("fd", true),
            Bus::Scsi | Bus::Sata | Bus::Usb => ("sd", false),
        };
        if by_place {
            return format!("{prefix}{}", letters(slot.location));
        }
        let next = self.names.entry(prefix).or_default();
        let name = format!("{prefix}{}", letters(*next));
        *next = next.saturating_add(1);
        name
    }
}

/// The letters of a disk's number: 0 is `a`, 26 is `aa`.
pub(super) fn letters(index: u32) -> String {
    let mut letters = Vec::new();
    let mut left = Some(index);
    while let Some(number) = left {
        let digit = u8::try_from(number % 26).unwrap_or(0);
        letters.push(char::from(b'a'.saturating_add(digit)));
        left = (number / 26).checked_sub(1);
    }
    letters.iter().rev().collect()
}

fn driver(format: &str) -> Element {
    let own = Element::new("driver").with("name", "qemu");
    own.with("type", format)
}

fn bus_name(bus: Bus) -> &'static str {
    match bus {
        Bus::Virtio | Bus::Nvme => "virtio",
        Bus::Scsi => "scsi",
        Bus::Sata => "sata",
        Bus::Ide => "ide",
        Bus::Usb => "usb",
        Bus::Floppy => "fdc",
    }
}

fn controller(index: u32, model: Option<&str>) -> Element {
    let own = Element::new("controller").with("type", "scsi");
    let own = own.with("index", index.to_string());
    match model {
        Some(model) => own.with("model", model),
        None => own,
    }
}

/// Where a disk is on its bus, where the name alone does not say.
fn address(bus: Bus, slot: Slot) -> Option<Element> {
    let (controller, channel) = match bus {
        Bus::Ide => (slot.controller / 2, slot.controller % 2),
        Bus::Scsi | Bus::Sata => (slot.controller, 0),
        Bus::Virtio | Bus::Usb | Bus::Nvme | Bus::Floppy => return None,
    };
    Some(
        Element::new("address")
            .with("type", "drive")
            .with("controller", controller.to_string())
            .with("bus", channel.to_string())
            .with("target", "0")
            .with("unit", slot.location.to_string()),
    )
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn numbers_of_disks_are_letters() {
        for (index, name) in [
            (0, "a"),
            (25, "z"),
            (26, "aa"),
            (27, "ab"),
            (52, "ba"),
            (702, "aaa"),
        ] {
            assert_eq!(letters(index), name);
        }
    }
}
