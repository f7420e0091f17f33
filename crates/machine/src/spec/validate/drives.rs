//! The rules of controllers and disks.

use std::collections::BTreeSet;

use super::super::{
    Bus, Controller, ControllerModel, Disk, DiskDevice, DiskFormat, DiskSource, MachineSpec,
    Sectors, Slot,
};
use super::{Checked, PATH_BYTES, SpecError, WORD_BYTES, at_most, range, text, word};

/// Four controllers of 64 places each, twice over.
const DISKS: usize = 512;

pub(super) fn check(spec: &MachineSpec) -> Checked {
    at_most("controllers", spec.controllers.len(), 256)?;
    at_most("disks", spec.disks.len(), DISKS)?;
    let mut numbers = BTreeSet::new();
    for own in &spec.controllers {
        controller(own)?;
        if !numbers.insert((own.bus, own.index)) {
            return Err(SpecError::ControllerTwice {
                bus: own.bus,
                index: own.index,
            });
        }
    }
    let mut slots = BTreeSet::new();
    for (index, own) in spec.disks.iter().enumerate() {
        disk(&format!("disks[{index}]"), own)?;
        if let Some(Slot {
            controller,
            location,
        }) = own.slot
            && !slots.insert((own.bus, controller, location))
        {
            return Err(SpecError::SlotTwice {
                bus: own.bus,
                controller,
                location,
            });
        }
    }
    Ok(())
}

fn controller(own: &Controller) -> Checked {
    range("controllers.index", own.index.into(), 0, 255)?;
    match &own.model {
        ControllerModel::Other(name) => word("controllers.model", name, WORD_BYTES),
        ControllerModel::PlatformDefault
        | ControllerModel::VirtioScsi
        | ControllerModel::Synthetic => Ok(()),
    }
}

fn disk(field: &str, own: &Disk) -> Checked {
    kind(field, own)?;
    if let Some(Slot {
        controller,
        location,
    }) = own.slot
    {
        range(
            &format!("{field}.slot.controller"),
            controller.into(),
            0,
            255,
        )?;
        let most = if own.bus == Bus::Ide { 1 } else { 16_383 };
        range(&format!("{field}.slot.location"), location.into(), 0, most)?;
    }
    if let Some(sectors) = own.sectors {
        sector_sizes(field, sectors)?;
    }
    if let Some(serial) = &own.serial {
        text(&format!("{field}.serial"), serial, WORD_BYTES)?;
    }
    if let Some(wwn) = &own.wwn
        && (wwn.len() != 16 || !wwn.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        return Err(SpecError::Wwn {
            field: field.to_owned(),
            text: wwn.chars().take(64).collect(),
        });
    }
    match &own.source {
        Some(source) => check_source(&format!("{field}.source"), source),
        None => Ok(()),
    }
}

/// Which drives there are on which bus.
fn kind(field: &str, own: &Disk) -> Checked {
    let wrong = match (own.device, own.bus) {
        (DiskDevice::Floppy, Bus::Floppy) => None,
        (DiskDevice::Floppy, _) => Some("a floppy drive is on the controller of floppy disks"),
        (DiskDevice::Disk | DiskDevice::Cdrom, Bus::Floppy) => {
            Some("only floppy drives are on the controller of floppy disks")
        }
        (DiskDevice::Cdrom, Bus::Virtio | Bus::Nvme) => {
            Some("no drive for CD and DVD is on virtio or NVMe")
        }
        (DiskDevice::Disk, _) if own.source.is_none() => Some("a disk has no source"),
        (DiskDevice::Disk | DiskDevice::Cdrom, _) => None,
    };
    match wrong {
        None => Ok(()),
        Some(what) => Err(SpecError::Drive {
            field: field.to_owned(),
            what,
        }),
    }
}

fn sector_sizes(field: &str, sectors: Sectors) -> Checked {
    let sound = |bytes: u32| bytes.is_power_of_two() && (512..=65_536).contains(&bytes);
    let Sectors {
        logical_bytes,
        physical_bytes,
    } = sectors;
    if sound(logical_bytes) && sound(physical_bytes) && logical_bytes <= physical_bytes {
        return Ok(());
    }
    Err(SpecError::Sectors {
        field: field.to_owned(),
        logical_bytes,
        physical_bytes,
    })
}

fn check_source(field: &str, source: &DiskSource) -> Checked {
    match source {
        DiskSource::File { path, format } | DiskSource::Block { path, format } => {
            word(&format!("{field}.path"), path, PATH_BYTES)?;
            check_format(field, format)
        }
        DiskSource::Volume {
            pool,
            volume,
            format,
        } => {
            word(&format!("{field}.pool"), pool, WORD_BYTES)?;
            word(&format!("{field}.volume"), volume, WORD_BYTES)?;
            check_format(field, format)
        }
        DiskSource::Network {
            protocol,
            name,
            format,
        } => {
            word(&format!("{field}.protocol"), protocol, WORD_BYTES)?;
            text(&format!("{field}.name"), name, PATH_BYTES)?;
            check_format(field, format)
        }
        DiskSource::Claim { name } | DiskSource::HostDisk { name } => {
            word(&format!("{field}.name"), name, WORD_BYTES)
        }
    }
}

fn check_format(field: &str, format: &DiskFormat) -> Checked {
    match format {
        DiskFormat::Other(name) => word(&format!("{field}.format"), name, WORD_BYTES),
        DiskFormat::Raw
        | DiskFormat::Qcow2
        | DiskFormat::Vhd
        | DiskFormat::Vhdx
        | DiskFormat::Vmdk => Ok(()),
    }
}
