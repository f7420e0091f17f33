//! A folder of Hyper-V's: disks, and what the host says of the machine.

use std::path::Path;

use detente_machine::hyperv_inventory::{Inventory, VirtualMachine};

use super::super::Wanted;
use super::{Kind, Loaded, files, unread};
use crate::failure::Failure;

pub(super) fn inventory(
    bytes: &[u8],
    path: &Path,
    folder: &Path,
    wanted: &Wanted,
) -> Result<Loaded, Failure> {
    let inventory = Inventory::from_json(bytes).map_err(|error| unread(path, error))?;
    let machine = inventory
        .machine(wanted.machine.as_deref())
        .map_err(|error| {
            Failure::usage(
                error.to_string(),
                "say which with --machine NAME or --machine ID",
            )
        })?;
    self::machine(machine, path, folder, wanted)
}

pub(super) fn machine(
    machine: &VirtualMachine,
    path: &Path,
    folder: &Path,
    wanted: &Wanted,
) -> Result<Loaded, Failure> {
    let (spec, losses) = machine.to_spec().map_err(|error| unread(path, error))?;
    files::of_folder(spec, losses, Kind::HyperV, folder, wanted)
}
