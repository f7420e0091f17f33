//! Orders about disks.

use detente_block::with_causes;
use detente_machine::hyperv::{Answer, Controller, DiskConfig};

use super::{failed, poke};
use crate::machine::bus::SharedBus;
use crate::machine::devices::Devices;
use crate::machine::storage;

/// Adds a disk to the SCSI controller.
pub(super) fn add(disk: &DiskConfig, devices: &Devices, bus: &SharedBus) -> Answer {
    if disk.controller == Controller::Ide {
        return failed("an IDE controller takes no disk while the machine runs");
    }
    let medium = match storage::open(disk) {
        Ok(medium) => medium,
        Err(error) => return failed(with_causes(&error)),
    };
    match devices.scsi.handle.attach(medium) {
        Ok(()) => {
            poke(&devices.scsi, bus);
            Answer::Done
        }
        Err(error) => failed(error.to_string()),
    }
}

/// Takes a disk away.
pub(super) fn remove(
    controller: Controller,
    lun: u8,
    devices: &Devices,
    bus: &SharedBus,
) -> Answer {
    let Some((at, lun)) = devices.disk(controller, lun) else {
        return failed("there is no such disk");
    };
    match at.handle.remove(lun) {
        Ok(_disk) => {
            poke(at, bus);
            Answer::Done
        }
        Err(error) => failed(error.to_string()),
    }
}

/// Makes a disk longer.
pub(super) fn resize(
    (controller, lun): (Controller, u8),
    len_bytes: u64,
    devices: &Devices,
    bus: &SharedBus,
) -> Answer {
    let Some((at, lun)) = devices.disk(controller, lun) else {
        return failed("there is no such disk");
    };
    match at.handle.resize(lun, len_bytes) {
        Ok(()) => {
            poke(at, bus);
            Answer::Done
        }
        Err(error) => failed(with_causes(&error)),
    }
}
