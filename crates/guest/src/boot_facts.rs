//! Everything that is said of how a guest starts, beyond the entry that its boot loader would
//! start: kernels, initramfs files, modules, programs and their signatures.

use crate::error::InspectError;
use crate::facts::{DefaultEntry, Entry, InitramfsImage, InitramfsModules, Kernel, ModuleSettings};
use crate::files::Files;
use crate::guest::Options;
use crate::kernels::{self, Machine};
use crate::{initramfs, modprobe};

/// The facts of one guest.
pub(crate) struct BootFacts {
    pub(crate) kernels: Vec<Kernel>,
    pub(crate) images: Vec<InitramfsImage>,
    /// What the default entry's files hold together.
    pub(crate) default_modules: Option<InitramfsModules>,
    pub(crate) module_settings: ModuleSettings,
}

/// Gathers them; `entries` are those of the boot menu.
pub(crate) fn gather(
    machine: Machine<'_>,
    entries: &[Entry],
    default: Option<&DefaultEntry>,
    options: Options,
    notes: &mut Vec<String>,
) -> Result<BootFacts, InspectError> {
    let contents = options.initramfs_contents;
    let kernels = kernels::find(machine)?;
    let images = initramfs::find(machine, &kernels, contents)?;
    let default_modules = default
        .filter(|_| contents)
        .and_then(|entry| initramfs::together(&images, entry.index, notes));
    let settings = modprobe::find(Files::new(machine.joined), entries);
    Ok(BootFacts {
        kernels,
        images,
        default_modules,
        module_settings: settings.map_err(|error| machine.joined.error(error))?,
    })
}
