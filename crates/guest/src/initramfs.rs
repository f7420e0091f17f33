//! Every initramfs file: whose it is, and where asked for, what is in it.
//!
//! Archives are streamed, several at a time: [`reader`] says within which memory.

mod contents;
mod names;
mod reader;
#[cfg(test)]
mod real;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use detente_block::BlockRead;
use detente_volume::FsError;

use crate::boot::{self, model::Start};
use crate::error::InspectError;
use crate::facts::{InitramfsImage, InitramfsModules, InitramfsRole, Kernel, KnownBy, Place};
use crate::files::{Files, absent};
use crate::kernels::Machine;

/// More files than any system keeps.
const MAX_IMAGES: usize = 32;
/// Debian's kdump-tools and old SUSE keep theirs outside `/boot`.
const FOLDERS: [&str; 3] = ["/boot", "/var/lib/kdump", "/boot/kdump"];

/// The files, in the order of the menu, then by name; `contents` asks to look into them.
pub(crate) fn find(
    machine: Machine<'_>,
    kernels: &[Kernel],
    contents: bool,
) -> Result<Vec<InitramfsImage>, InspectError> {
    let mut images = of_entries(machine, kernels);
    of_folders(machine, kernels, &mut images)?;
    images.truncate(MAX_IMAGES);
    let mut files = Vec::new();
    let mut there = Vec::new();
    for mut image in images {
        let Some(file) = open(machine, &image.place)? else {
            continue;
        };
        image.stored_bytes = file.len_bytes();
        there.push(image);
        files.push(file);
    }
    if contents {
        reader::fill(&mut there, files);
        there
            .iter_mut()
            .for_each(|image| by_contents(image, kernels));
    }
    Ok(there)
}

/// What the files of one entry hold together; a note for each that could not be read to its end.
pub(crate) fn together(
    images: &[InitramfsImage],
    entry: usize,
    notes: &mut Vec<String>,
) -> Option<InitramfsModules> {
    let (mut modules, mut entries, mut any) = (Vec::new(), 0_u64, false);
    for image in images.iter().filter(|image| image.entries.contains(&entry)) {
        if let Some(damage) = &image.damage {
            notes.push(format!("{} is not read to its end: {damage}", image.place));
        }
        let Some(contents) = &image.contents else {
            continue;
        };
        any |= image.damage.is_none() || contents.entries > 0;
        entries = entries.saturating_add(contents.entries);
        modules.extend(contents.modules.iter().cloned());
    }
    modules.sort();
    modules.dedup();
    any.then_some(InitramfsModules { modules, entries })
}

fn image(place: Place, role: InitramfsRole) -> InitramfsImage {
    InitramfsImage {
        place,
        stored_bytes: 0,
        role,
        kernel: None,
        known_by: KnownBy::Unknown,
        entries: Vec::new(),
        contents: None,
        damage: None,
    }
}

fn of_entries(machine: Machine<'_>, kernels: &[Kernel]) -> Vec<InitramfsImage> {
    let mut images: Vec<InitramfsImage> = Vec::new();
    for (index, entry) in machine.entries.iter().enumerate() {
        let kernel = kernels
            .iter()
            .find(|kernel| kernel.entries.contains(&index));
        let (places, known_by): (Vec<&Place>, _) = match &entry.start {
            Start::Linux(linux) => {
                let places = linux
                    .initramfs
                    .iter()
                    .filter_map(|file| file.place.as_ref());
                (places.collect(), KnownBy::Entry)
            }
            Start::Uki(uki) => (vec![&uki.place], KnownBy::Image),
            Start::Other(_) => continue,
        };
        for place in places {
            let known = images.iter().position(|image| image.place == *place);
            let at = known.unwrap_or(images.len());
            if known.is_none() {
                images.push(image(place.clone(), names::role(&place.path)));
            }
            let Some(image) = images.get_mut(at) else {
                continue;
            };
            image.entries.push(index);
            // Microcode belongs to no kernel: every entry loads the same.
            if image.kernel.is_none() && image.role != InitramfsRole::Microcode {
                image.kernel = kernel.map(|kernel| kernel.release.clone());
                image.known_by = kernel.map_or(KnownBy::Unknown, |_| known_by);
            }
        }
    }
    images
}

fn of_folders(
    machine: Machine<'_>,
    kernels: &[Kernel],
    images: &mut Vec<InitramfsImage>,
) -> Result<(), InspectError> {
    let files = Files::new(machine.joined);
    let on = |error| machine.joined.error(error);
    let mut paths = Vec::new();
    for folder in FOLDERS {
        let names = files.list(folder).map_err(on)?.into_iter();
        let ours = names.filter(|name| names::is_initramfs(name));
        paths.extend(ours.map(|name| (format!("{folder}/{name}"), None)));
    }
    for kernel in kernels {
        if let Some(folder) = &kernel.modules_folder {
            for name in ["initrd", "initramfs.img"] {
                paths.push((format!("{folder}/{name}"), Some(kernel.release.clone())));
            }
        }
    }
    for (path, folder_of) in paths {
        if !files.is_file(&path).map_err(on)? {
            continue;
        }
        let place = machine.joined.place(&path).map_err(on)?;
        if images.iter().any(|image| image.place == place) || images.len() >= MAX_IMAGES {
            continue;
        }
        let mut image = image(place, names::role(&path));
        let named = || names::kernel_of(&path, kernels);
        (image.kernel, image.known_by) = match (folder_of, named()) {
            (Some(release), _) => (Some(release), KnownBy::Folder),
            (None, Some(release)) => (Some(release), KnownBy::Name),
            (None, None) => (None, KnownBy::Unknown),
        };
        images.push(image);
    }
    Ok(())
}

/// Where nothing else tells: the only kernel whose modules are in it.
fn by_contents(image: &mut InitramfsImage, kernels: &[Kernel]) {
    let Some(contents) = &image.contents else {
        return;
    };
    let [release] = contents.releases.as_slice() else {
        return;
    };
    if image.kernel.is_none() && kernels.iter().any(|kernel| kernel.release == *release) {
        image.kernel = Some(release.clone());
        image.known_by = KnownBy::Contents;
    }
}

/// The archive's bytes: the file, or a section of a unified kernel image.
fn open(machine: Machine<'_>, place: &Place) -> Result<Option<Arc<dyn BlockRead>>, InspectError> {
    let on = |source: FsError| InspectError::on(place.volume, source);
    let Some(fs) = machine.volumes.fs(place.volume) else {
        return Ok(None);
    };
    let Some(file) = absent(fs.open(&place.path)).map_err(on)? else {
        return Ok(None);
    };
    if !names::is_initramfs(names::last(&place.path))
        && let Some(section) = boot::initrd_of_uki(&file).map_err(|error| on(error.into()))?
    {
        return Ok(Some(section));
    }
    Ok(Some(file))
}

/// For the exerciser.
pub(crate) fn exercise(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let name = text.lines().next().unwrap_or_default();
    names::role(name);
    names::kernel_of(name, &[]);
    contents::exercise(bytes);
}
