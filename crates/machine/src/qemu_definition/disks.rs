//! Disks.

use std::collections::BTreeSet;

use super::{Writing, escaped};
use crate::kvm::{chipset, disk_bus, image};
use crate::spec::{Bus, Chipset, Disk, DiskAccess, DiskDevice, DiskSource};

/// Ports of a SATA controller.
const SATA_PORTS: u32 = 6;

/// Places that are given away, bus by bus.
#[derive(Default)]
struct Given {
    sata: u32,
    ide: u32,
    scsi: u32,
    buses: BTreeSet<Bus>,
}

impl Writing<'_> {
    pub(super) fn disks(&mut self) {
        let mut given = Given::default();
        for (index, disk) in self.spec.disks.iter().enumerate() {
            let field = format!("disks[{index}]");
            let bus = disk_bus(self.spec, disk, self.options.devices);
            if bus == Bus::Floppy {
                let why = "floppy drives are left out";
                self.losses.dropped(field, why);
                continue;
            }
            if disk.slot.is_some() {
                let why = "disks keep their order; their places follow from it";
                self.losses.approximated(format!("{field}.slot"), why);
            }
            if disk.source.is_some() && !self.node(index, disk, &field) {
                continue;
            }
            self.controller(bus, &mut given);
            let device = self.device(index, disk, bus, &mut given);
            self.pair("-device", device);
        }
    }

    /// Names the disk's bytes; says whether it could.
    fn node(&mut self, index: usize, disk: &Disk, field: &str) -> bool {
        let source = format!("{field}.source");
        let Some((source_of, format)) = image(disk, &source, &mut self.losses) else {
            return false;
        };
        let (driver, path) = match source_of {
            DiskSource::File { path, .. } => ("file", path),
            DiskSource::Block { path, .. } => ("host_device", path),
            DiskSource::HostDisk { .. } => return false,
            DiskSource::Volume { .. } | DiskSource::Network { .. } | DiskSource::Claim { .. } => {
                let why = "where this disk is, only its old management knows: the disk is left out";
                self.losses.dropped(source, why);
                return false;
            }
        };
        let access = match disk.access {
            DiskAccess::ReadOnly => ",read-only=on",
            DiskAccess::ReadWrite => ",discard=unmap",
            DiskAccess::Shared => "",
        };
        let path = escaped(&path);
        let format = escaped(&format);
        self.pair(
            "-blockdev",
            format!("driver={format},node-name=disk{index}{access},file.driver={driver},file.filename={path}"),
        );
        true
    }

    fn controller(&mut self, bus: Bus, given: &mut Given) {
        let is_first = given.buses.insert(bus);
        match bus {
            Bus::Scsi if is_first => {
                self.pair("-device", "virtio-scsi-pci,id=scsi0");
                if !self.spec.controllers.is_empty() {
                    let why = "SCSI disks are on one virtio-scsi";
                    self.losses.approximated("controllers", why);
                }
            }
            Bus::Usb if is_first => self.pair("-device", "qemu-xhci,id=usb-disks"),
            // The board's own has six ports, and i440FX has none.
            Bus::Sata if given.sata.is_multiple_of(SATA_PORTS) => {
                let number = given.sata / SATA_PORTS;
                if number > 0 || chipset(self.spec) == Chipset::I440fx {
                    self.pair("-device", format!("ahci,id=sata{number}"));
                }
            }
            Bus::Scsi | Bus::Usb | Bus::Sata | Bus::Virtio | Bus::Ide | Bus::Nvme | Bus::Floppy => {
            }
        }
    }

    fn device(&mut self, index: usize, disk: &Disk, bus: Bus, given: &mut Given) -> String {
        let is_cdrom = disk.device == DiskDevice::Cdrom;
        let kind = if is_cdrom { "cd" } else { "hd" };
        let mut device = match bus {
            Bus::Virtio | Bus::Nvme | Bus::Floppy => "virtio-blk-pci".to_owned(),
            Bus::Usb => "usb-storage,bus=usb-disks.0".to_owned(),
            Bus::Scsi => {
                given.scsi = given.scsi.saturating_add(1);
                let lun = given.scsi.saturating_sub(1);
                format!("scsi-{kind},bus=scsi0.0,scsi-id=0,lun={lun}")
            }
            Bus::Sata => {
                let (number, port) = (given.sata / SATA_PORTS, given.sata % SATA_PORTS);
                given.sata = given.sata.saturating_add(1);
                let own = number == 0 && chipset(self.spec) == Chipset::Q35;
                let name = if own {
                    "ide".to_owned()
                } else {
                    format!("sata{number}")
                };
                format!("ide-{kind},bus={name}.{port}")
            }
            Bus::Ide => {
                let (channel, unit) = (given.ide / 2, given.ide % 2);
                given.ide = given.ide.saturating_add(1);
                format!("ide-{kind},bus=ide.{channel},unit={unit}")
            }
        };
        if disk.source.is_some() {
            device.push_str(&format!(",drive=disk{index}"));
        }
        if let Some(serial) = &disk.serial {
            device.push_str(&format!(",serial={}", escaped(serial)));
        }
        if let Some(sectors) = disk.sectors.filter(|_| !is_cdrom) {
            device.push_str(&format!(
                ",logical_block_size={},physical_block_size={}",
                sectors.logical_bytes, sectors.physical_bytes
            ));
        }
        match (&disk.wwn, bus) {
            (Some(wwn), Bus::Scsi | Bus::Sata | Bus::Ide) => {
                device.push_str(&format!(",wwn=0x{wwn}"));
            }
            (Some(_), Bus::Virtio | Bus::Nvme | Bus::Usb | Bus::Floppy) => {
                let why = "a disk on this bus has no World Wide Name";
                self.losses.dropped(format!("disks[{index}].wwn"), why);
            }
            (None, _) => {}
        }
        if let Some(order) = disk.boot_order {
            device.push_str(&format!(",bootindex={order}"));
        }
        device
    }
}
