//! Everything that is said of how a guest starts, beyond the entry that its boot loader would
//! start: kernels, initramfs files, modules, programs and their signatures.

use crate::boot::{self, esp};
use crate::error::InspectError;
use crate::facts::{
    BootCode, CsvEntry, DefaultEntry, EfiProgram, Entry, InitramfsImage, InitramfsModules, Kernel,
    LoaderSeen, ModuleSettings, SecureBoot,
};
use crate::files::Files;
use crate::guest::Options;
use crate::kernels::{self, Machine};
use crate::volumes::{DiskSeen, Volumes};
use crate::{initramfs, modprobe, secure_boot};

/// The facts of one guest.
pub(crate) struct BootFacts {
    pub(crate) kernels: Vec<Kernel>,
    pub(crate) images: Vec<InitramfsImage>,
    /// What the default entry's files hold together.
    pub(crate) default_modules: Option<InitramfsModules>,
    pub(crate) module_settings: ModuleSettings,
    pub(crate) efi_programs: Vec<EfiProgram>,
    pub(crate) efi_csv: Vec<CsvEntry>,
    pub(crate) loaders: Vec<LoaderSeen>,
    pub(crate) bios_code: Vec<BootCode>,
    pub(crate) secure_boot: SecureBoot,
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
    let efi_programs = esp::programs(machine.volumes)?;
    Ok(BootFacts {
        secure_boot: secure_boot::find(machine.volumes, &efi_programs, &kernels)?,
        efi_programs,
        efi_csv: esp::csv(machine.volumes)?,
        loaders: boot::seen(machine.volumes)?,
        bios_code: bios_code(machine.volumes),
        kernels,
        images,
        default_modules,
        module_settings: settings.map_err(|error| machine.joined.error(error))?,
    })
}

fn bios_code(volumes: &Volumes) -> Vec<BootCode> {
    let code = |(disk, seen): (usize, &DiskSeen)| BootCode {
        disk,
        kind: seen.boot_code,
        active_partition: seen.active_partition,
    };
    volumes.disks.iter().enumerate().map(code).collect()
}
