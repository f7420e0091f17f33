//! Disks and their controllers.

use super::super::SOURCE;
use super::leftovers::without_addresses;
use super::values::{disk_index, take_number, wrong};
use super::{ReadError, Reading};
use crate::spec::{
    Bus, Controller, ControllerModel, Disk, DiskAccess, DiskDevice, DiskFormat, DiskSource,
    Extensions, Sectors, Slot,
};
use crate::xml::Element;

impl Reading {
    pub(super) fn disks(&mut self, devices: &mut Element) -> Result<(), ReadError> {
        for own in devices.take_children("disk") {
            let disk = self.disk(own)?;
            self.spec.disks.push(disk);
        }
        for own in devices.take_children("controller") {
            self.controller(own, devices)?;
        }
        Ok(())
    }

    fn disk(&mut self, own: Element) -> Result<Disk, ReadError> {
        let field = format!("disks[{}]", self.spec.disks.len());
        let mut own = self.addressed(own);
        let device = match own.take("device").as_deref() {
            None | Some("disk") => DiskDevice::Disk,
            Some("cdrom") => DiskDevice::Cdrom,
            Some("floppy") => DiskDevice::Floppy,
            Some("lun") => {
                let why = "orders for the SCSI device itself no longer reach it";
                self.losses.approximated(field.as_str(), why);
                DiskDevice::Disk
            }
            Some(other) => return Err(wrong("disk@device", other, "kind of disk")),
        };
        let name = own.take_of("target", "dev").unwrap_or_default();
        let bus = bus(own.take_of("target", "bus"), &name)?;
        let slot = slot(&mut own, bus, &name)?;
        let boot_order = own
            .edit("boot", |boot| take_number(boot, "order"))
            .transpose()?
            .flatten();
        let sectors = own.edit("blockio", sectors).transpose()?.flatten();
        let disk = Disk {
            device,
            bus,
            slot,
            source: self.source(&field, &mut own)?,
            size_bytes: None,
            sectors,
            boot_order,
            serial: own.take_text("serial"),
            wwn: own.take_text("wwn").map(|wwn| wwn.to_lowercase()),
            access: access(&mut own, device),
            extensions: Extensions::default(),
        };
        Ok(self.rest_of_disk(disk, &field, own))
    }

    fn rest_of_disk(&mut self, mut disk: Disk, field: &str, mut own: Element) -> Disk {
        own.edit("driver", |driver| driver.take_if("name", "qemu"));
        // Of a disk of a domain that runs: what lies below is named by the image itself.
        if own
            .take_child("backingStore")
            .is_some_and(|below| !below.children.is_empty())
        {
            let why = "what lies below the image is named by the image, not by the definition";
            self.losses.approximated(format!("{field}.source"), why);
        }
        if own.take_child("mirror").is_some() {
            let why = "a copy of this disk is under way and is not followed";
            self.losses.dropped(format!("{field}.source"), why);
        }
        own.edit("source", |source| source.take("index"));
        if !own.is_spent() {
            let why = "libvirt's own words on this disk (cache, limits and such)";
            self.losses.kept(format!("{field}.extensions"), why);
            disk.extensions.insert(SOURCE, "disk", own.kept());
        }
        disk
    }

    fn source(&mut self, field: &str, own: &mut Element) -> Result<Option<DiskSource>, ReadError> {
        let kind = own.take("type").unwrap_or_else(|| "file".to_owned());
        let format = own.take_of("driver", "type");
        let format = DiskFormat::from_qemu_name(format.as_deref().unwrap_or("raw"));
        let path = |own: &mut Element, name: &str| own.take_of("source", name);
        let source = match kind.as_str() {
            "file" => path(own, "file").map(|path| DiskSource::File { path, format }),
            "block" => path(own, "dev").map(|path| DiskSource::Block { path, format }),
            "volume" => {
                let pool = path(own, "pool").unwrap_or_default();
                let volume = path(own, "volume").unwrap_or_default();
                Some(DiskSource::Volume {
                    pool,
                    volume,
                    format,
                })
            }
            "network" => {
                let why = "the image lies on other machines; how to reach them stands in what is \
                           kept of libvirt";
                self.losses.kept(format!("{field}.source"), why);
                let protocol = path(own, "protocol").unwrap_or_default();
                let name = path(own, "name").unwrap_or_default();
                Some(DiskSource::Network {
                    protocol,
                    name,
                    format,
                })
            }
            other => {
                return Err(ReadError::Unsupported {
                    what: "a disk whose bytes are of this type",
                    text: other.chars().take(64).collect(),
                });
            }
        };
        Ok(source)
    }

    fn controller(&mut self, own: Element, devices: &mut Element) -> Result<(), ReadError> {
        let mut own = self.addressed(own);
        let kind = own.attribute("type").unwrap_or_default().to_owned();
        let bus = match kind.as_str() {
            "scsi" => Bus::Scsi,
            // What libvirt adds by itself for the devices that are there.
            "pci" | "ide" | "sata" | "fdc" | "virtio-serial" | "ccid" => return Ok(()),
            _ => {
                devices.push(own);
                return Ok(());
            }
        };
        own.take("type");
        let index = take_number(&mut own, "index")?.unwrap_or(0);
        let model = match own.take("model").as_deref() {
            None | Some("auto") => ControllerModel::PlatformDefault,
            Some("virtio-scsi") => ControllerModel::VirtioScsi,
            Some(other) => ControllerModel::Other(other.to_owned()),
        };
        let mut extensions = Extensions::default();
        if !own.is_spent() {
            let field = format!("controllers[{}].extensions", self.spec.controllers.len());
            self.losses
                .kept(field, "libvirt's own words on this controller");
            extensions.insert(SOURCE, "controller", own.kept());
        }
        self.spec.controllers.push(Controller {
            bus,
            index,
            model,
            extensions,
        });
        Ok(())
    }

    /// The device without its places on buses that the other side lays out anew.
    pub(super) fn addressed(&mut self, own: Element) -> Element {
        let (own, had) = without_addresses(own);
        self.has_addresses |= had;
        own
    }
}

fn bus(named: Option<String>, device: &str) -> Result<Bus, ReadError> {
    let Some(name) = named else {
        // libvirt, formatdomain.html: the bus follows from the style of the name.
        return Ok(match device.get(..2) {
            Some("vd") => Bus::Virtio,
            Some("sd") => Bus::Scsi,
            Some("fd") => Bus::Floppy,
            Some(_) | None => Bus::Ide,
        });
    };
    match name.as_str() {
        "virtio" => Ok(Bus::Virtio),
        "scsi" => Ok(Bus::Scsi),
        "sata" => Ok(Bus::Sata),
        "ide" => Ok(Bus::Ide),
        "usb" => Ok(Bus::Usb),
        "fdc" => Ok(Bus::Floppy),
        "nvme" => Ok(Bus::Nvme),
        _ => Err(ReadError::Unsupported {
            what: "a disk on this bus",
            text: name.chars().take(64).collect(),
        }),
    }
}

/// The place of a disk: what its address says, or what libvirt makes of its name.
fn slot(own: &mut Element, bus: Bus, name: &str) -> Result<Option<Slot>, ReadError> {
    let by_name = disk_index(name);
    let Some(mut address) = own.take_child("address") else {
        // libvirt, src/conf/domain_conf.c, virDomainDiskDefAssignAddress.
        let per_controller = match bus {
            Bus::Ide => 2,
            Bus::Sata => 6,
            Bus::Scsi => 7,
            Bus::Floppy => 2,
            Bus::Virtio | Bus::Nvme => u32::MAX,
            // The port of the hub says it, not the name.
            Bus::Usb => return Ok(None),
        };
        return Ok(by_name.and_then(|index| {
            Some(Slot {
                controller: index.checked_div(per_controller)?,
                location: index.checked_rem(per_controller)?,
            })
        }));
    };
    let mut part = |name: &str| -> Result<u32, ReadError> {
        Ok(take_number(&mut address, name)?.unwrap_or(0))
    };
    let (controller, channel, target, unit) = (
        part("controller")?,
        part("bus")?,
        part("target")?,
        part("unit")?,
    );
    address.take_if("type", "drive");
    let slot = match bus {
        Bus::Ide => Slot {
            controller: controller.saturating_mul(2).saturating_add(channel),
            location: unit,
        },
        Bus::Scsi | Bus::Sata | Bus::Floppy | Bus::Virtio | Bus::Usb | Bus::Nvme => Slot {
            controller,
            location: unit,
        },
    };
    if bus == Bus::Scsi && (channel, target) != (0, 0) {
        let text = format!("bus {channel} target {target}");
        return Err(ReadError::Unsupported {
            what: "a SCSI disk behind another target than the first",
            text,
        });
    }
    Ok(Some(slot))
}

fn sectors(own: &mut Element) -> Result<Option<Sectors>, ReadError> {
    let logical = take_number(own, "logical_block_size")?;
    let physical = take_number(own, "physical_block_size")?;
    let logical_bytes = logical.or(physical.map(|_| 512));
    Ok(logical_bytes.map(|logical_bytes| Sectors {
        logical_bytes,
        physical_bytes: physical.unwrap_or(logical_bytes).max(logical_bytes),
    }))
}

fn access(own: &mut Element, device: DiskDevice) -> DiskAccess {
    let read_only = own.take_child("readonly").is_some() || device == DiskDevice::Cdrom;
    let shared = own.take_child("shareable").is_some();
    if read_only {
        DiskAccess::ReadOnly
    } else if shared {
        DiskAccess::Shared
    } else {
        DiskAccess::ReadWrite
    }
}
