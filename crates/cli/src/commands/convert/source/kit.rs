//! A kit that comes back.

use std::path::Path;

use detente_machine::kit::{self, Kit};
use detente_machine::{Losses, MachineSpec};

use super::super::Wanted;
use super::{Kind, Loaded, files, unread};
use crate::failure::Failure;

/// The neutral definition, and the disks under the names that kits give them.
pub(super) fn load(folder: &Path, wanted: &Wanted) -> Result<Loaded, Failure> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).map_err(|error| unread(&path, error))
    };
    // What is in it is read to refuse what only looks like a kit.
    let kit = Kit::from_json(&read(kit::KIT_FILE)?);
    kit.map_err(|error| unread(&folder.join(kit::KIT_FILE), error))?;
    let spec = MachineSpec::from_json(&read(kit::MACHINE_FILE)?);
    let spec = spec.map_err(|error| unread(&folder.join(kit::MACHINE_FILE), error))?;
    files::of_folder(spec, Losses::new(), Kind::Kit, folder, wanted)
}
