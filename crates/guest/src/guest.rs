//! An inspected guest: its facts, and the way to its files.

use std::sync::Arc;

use detente_block::BlockRead;
use detente_volume::{FileSystem, Volume};

use crate::boot::model::{Candidate, Found};
use crate::chain;
use crate::error::{BootProblem, InspectError};
use crate::facts::{
    Boot, BootCodeKind, Facts, Firmware, Place, Problem, SCHEMA, Verdict, VolumeId,
};
use crate::files::Files;
use crate::fstab;
use crate::joined::Joined;
use crate::kernels::Machine;
use crate::settings::arguments::Arguments;
use crate::settings::gathered::Gathered;
use crate::volumes::{DiskSeen, Held, Volumes};
use crate::{architecture, boot, boot_facts, describe, packages, root, services, system};

/// What to look at beyond the ordinary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Unpack every initramfs and say what is in it.
    pub initramfs_contents: bool,
    /// List the installed packages, not only their number.
    pub packages: bool,
}

/// An inspected guest.
pub struct Guest {
    pub(crate) facts: Facts,
    pub(crate) volumes: Volumes,
    pub(crate) default: Option<Candidate>,
    pub(crate) problems: Vec<BootProblem>,
    /// The folder that becomes `/`.
    pub(crate) root_place: Place,
}

/// Looks into the disks of one machine, the boot disk first. Nothing is written, nothing of the
/// guest is run; memory is bounded whatever the disks hold.
///
/// A guest that would not boot is no error: [`Facts::problems`] says why it would not.
///
/// # Errors
/// [`InspectError`] when there is no x86-64 Linux system that can be read.
pub fn inspect(disks: &[Arc<dyn BlockRead>], options: Options) -> Result<Guest, InspectError> {
    if disks.is_empty() {
        return Err(InspectError::NoDisk);
    }
    if let Some(disk) = disks.iter().position(|disk| disk.len_bytes() == 0) {
        return Err(InspectError::EmptyDisk { disk });
    }
    look(Volumes::scan(disks)?, options)
}

/// [`inspect`], from volumes that are already found.
pub(crate) fn look(mut volumes: Volumes, options: Options) -> Result<Guest, InspectError> {
    let found = boot::find(&volumes)?;
    let root = match root::find(&volumes, &found) {
        // A damaged file system may be the root: that says more than that nothing was found.
        Err(InspectError::NoOperatingSystem { seen }) => {
            let damaged = volumes.unreadable.drain(..).next();
            return Err(match damaged {
                Some((volume, source)) => InspectError::on(volume, source),
                None => InspectError::NoOperatingSystem { seen },
            });
        }
        root => root?,
    };
    let fstab = fstab::read(&volumes, &root.place, root.usr.as_ref())?;
    let joined = Joined::new(&volumes, root.place.clone(), &fstab);
    // Gatherers of facts take this, and nothing else.
    let files = Files::new(&joined);
    require_x86_64(&joined, files)?;
    let (default, broken) = chain::follow(&volumes, &found, root.device)?;
    let problems: Vec<BootProblem> = found
        .problem
        .iter()
        .cloned()
        .chain(broken)
        .chain(root.problem)
        .collect();
    let mut notes = volumes.notes.clone();
    notes.extend(found.notes.iter().cloned());
    let entries = chain::entries(&found);
    let machine = Machine {
        volumes: &volumes,
        joined: &joined,
        entries: &found.entries,
    };
    let start = boot_facts::gather(machine, &entries, default.as_ref(), options, &mut notes)?;
    let arguments = Arguments::of(default.as_ref(), found.config.as_ref());
    let configured = Gathered::from(files, &arguments, &mut notes);
    let configured = configured.map_err(|error| joined.error(error))?;
    let facts = Facts {
        schema: SCHEMA.to_owned(),
        disks: describe::disks(&volumes, &joined),
        assembled: describe::assembled(&volumes, &joined),
        operating_system: root.system,
        architecture: architecture::X86_64.to_owned(),
        hostname: system::hostname(files).map_err(|error| joined.error(error))?,
        firmware: firmware(&volumes),
        root: root.volume,
        root_subvolume: describe::root_subvolume(&volumes, &root.place),
        kernels: start.kernels,
        agents: services::agents(&configured.services),
        initramfs: start.default_modules,
        initramfs_images: start.images,
        module_settings: start.module_settings,
        secure_boot: start.secure_boot,
        machine_id: system::machine_id(files).map_err(|error| joined.error(error))?,
        network: configured.network,
        time: configured.time,
        services: configured.services,
        security: configured.security,
        storage: configured.storage,
        packages: packages::gather(files, options.packages).map_err(|error| joined.error(error))?,
        problems: problems.iter().map(problem).collect(),
        notes,
        fstab,
        boot: Boot {
            loader: found.loader,
            config: found.config.clone(),
            entries,
            default,
            loaders: start.loaders,
            efi_programs: start.efi_programs,
            efi_csv: start.efi_csv,
            bios_code: start.bios_code,
        },
    };
    Ok(Guest {
        facts,
        volumes,
        default: chosen(found),
        problems,
        root_place: root.place,
    })
}

impl Guest {
    /// What was found.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What keeps the guest from booting, or us from knowing how it boots.
    #[must_use]
    pub fn problems(&self) -> &[BootProblem] {
        &self.problems
    }

    /// The volume that becomes `/`.
    #[must_use]
    pub fn root_volume(&self) -> Option<&Volume> {
        self.volumes.get(self.facts.root).map(|held| &held.volume)
    }

    /// Where the root is: the disk in the order given, and its partition.
    #[must_use]
    pub fn root(&self) -> VolumeId {
        self.facts.root
    }

    /// The guest's files as the running guest sees them: all mounts joined, links followed.
    #[must_use]
    pub fn tree(&self) -> Box<dyn FileSystem + '_> {
        let root = self.root_place.clone();
        Box::new(Joined::new(&self.volumes, root, &self.facts.fstab))
    }

    /// The file system that becomes `/`.
    #[must_use]
    pub fn root_file_system(&self) -> Option<&dyn FileSystem> {
        self.volumes.fs(self.facts.root)
    }
}

fn chosen(found: Found) -> Option<Candidate> {
    let (index, _) = found.default?;
    found.entries.into_iter().nth(index)
}

fn problem(problem: &BootProblem) -> Problem {
    Problem {
        id: problem.id().to_owned(),
        verdict: if problem.could_not_tell() {
            Verdict::CouldNotTell
        } else {
            Verdict::Bad
        },
        message: problem.to_string(),
        hint: Some(problem.hint()),
    }
}

fn require_x86_64(joined: &Joined<'_>, files: Files<'_>) -> Result<(), InspectError> {
    match architecture::find(files).map_err(|error| joined.error(error))? {
        // A system without any program that we know is not refused for that.
        None => Ok(()),
        Some((name, _)) if name == architecture::X86_64 => Ok(()),
        Some((architecture, path)) => {
            let place = joined.place(path).map_err(|error| joined.error(error))?;
            Err(InspectError::NotX86_64 {
                architecture,
                path: place.path,
                volume: place.volume,
            })
        }
    }
}

/// Code of a boot loader; or any other with a partition to start.
fn starts_by_bios(disk: &DiskSeen) -> bool {
    match disk.boot_code {
        BootCodeKind::Grub | BootCodeKind::Lilo => true,
        BootCodeKind::Syslinux | BootCodeKind::Windows | BootCodeKind::Unknown => {
            disk.active_partition.is_some()
        }
        BootCodeKind::None => false,
    }
}

fn firmware(volumes: &Volumes) -> Firmware {
    let uefi = volumes.held.iter().any(Held::is_esp);
    let bios =
        volumes.held.iter().any(Held::is_bios_boot) || volumes.disks.iter().any(starts_by_bios);
    match (uefi, bios) {
        (true, true) => Firmware::UefiAndBios,
        (true, false) => Firmware::Uefi,
        (false, true) => Firmware::Bios,
        (false, false) => Firmware::Unknown,
    }
}
