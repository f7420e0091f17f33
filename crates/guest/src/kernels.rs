//! Installed kernels: images in `/boot`, folders in `/lib/modules`, and what the boot menu starts.

mod drivers;

use std::collections::BTreeMap;

use detente_volume::FsError;

use crate::boot::compare_versions;
use crate::boot::model::{Candidate, Start};
use crate::error::InspectError;
use crate::facts::{Kernel, KernelKind, Place};
use crate::files::Files;
use crate::joined::Joined;
use crate::system;
use crate::volumes::Volumes;

/// More kernels than any system keeps.
const MAX_KERNELS: usize = 64;
/// Where modules are; on most systems the first is the second.
const MODULES: [&str; 2] = ["/usr/lib/modules", "/lib/modules"];

/// What is read from.
#[derive(Clone, Copy)]
pub(crate) struct Machine<'a> {
    pub(crate) volumes: &'a Volumes,
    pub(crate) joined: &'a Joined<'a>,
    pub(crate) entries: &'a [Candidate],
}

/// The kernels, newest first; the copy for emergencies last.
pub(crate) fn find(machine: Machine<'_>) -> Result<Vec<Kernel>, InspectError> {
    let files = Files::new(machine.joined);
    let on = |error| machine.joined.error(error);
    let mut found = BTreeMap::new();
    images(machine, &mut found)?;
    of_entries(machine, &mut found)?;
    folders(files, &mut found).map_err(on)?;
    let mut kernels: Vec<Kernel> = found.into_values().take(MAX_KERNELS).collect();
    for kernel in &mut kernels {
        finish(machine, kernel)?;
    }
    kernels.retain(|kernel| kernel.image.is_some() || kernel.modules);
    kernels.sort_by(|left, right| {
        let rescue = |kernel: &Kernel| kernel.kind == KernelKind::Rescue;
        (rescue(left).cmp(&rescue(right)))
            .then_with(|| compare_versions(&right.release, &left.release))
    });
    Ok(kernels)
}

type Found = BTreeMap<String, Kernel>;

fn kernel(release: &str) -> Kernel {
    Kernel {
        release: release.to_owned(),
        image: None,
        modules: false,
        kind: kind(release),
        image_release: None,
        modules_folder: None,
        config: None,
        entries: Vec::new(),
        drivers: Vec::new(),
    }
}

/// What a release's name says of its purpose.
fn kind(release: &str) -> KernelKind {
    let ends = |all: &[&str]| all.iter().any(|end| release.ends_with(end));
    // RHEL 8's real-time kernels: `4.18.0-305.rt7.72.el8.x86_64`.
    let numbered = |part: &str| {
        let mut rest = part.strip_prefix("rt").unwrap_or_default().chars();
        rest.next().is_some_and(|c| c.is_ascii_digit())
    };
    if release.starts_with("0-rescue-") {
        KernelKind::Rescue
    } else if ends(&["+debug", "-debug", ".debug", "_debug"]) {
        KernelKind::Debug
    } else if ends(&["-xen", ".xen", "xen0", "xenU", "-xen-amd64", "-xen-686"]) {
        KernelKind::Xen
    } else if ends(&["-kdump", ".kdump"]) {
        KernelKind::Kdump
    } else if ends(&["+rt", "-rt", "-rt-amd64", "-realtime"]) || release.split('.').any(numbered) {
        KernelKind::RealTime
    } else {
        KernelKind::Ordinary
    }
}

/// Images in `/boot`, and those of `kernel-install` in folders of their own there.
fn images(machine: Machine<'_>, found: &mut Found) -> Result<(), InspectError> {
    let files = Files::new(machine.joined);
    let on = |error| machine.joined.error(error);
    let is_kernel = |name: &String| {
        ["vmlinuz", "bzImage", "kernel-"]
            .iter()
            .any(|kind| name.starts_with(kind))
    };
    let names = files.list("/boot").map_err(on)?;
    for name in names.into_iter().filter(is_kernel).take(MAX_KERNELS) {
        let path = format!("/boot/{name}");
        if !files.is_file(&path).map_err(on)? {
            continue;
        }
        let place = machine.joined.place(&path).map_err(on)?;
        let Some(real) = system::release(machine.volumes, &place)? else {
            continue;
        };
        let rescue = name.split_once('-').map(|(_, rest)| rest);
        let release = rescue
            .filter(|rest| rest.starts_with("0-rescue-"))
            .unwrap_or(&real);
        let kernel = found
            .entry(release.to_owned())
            .or_insert_with(|| kernel(release));
        kernel.image_release = (release != real).then_some(real.clone());
        kernel.image.get_or_insert(place);
    }
    Ok(())
}

/// Kernels that the menu starts, wherever they are, and which entries start which.
fn of_entries(machine: Machine<'_>, found: &mut Found) -> Result<(), InspectError> {
    let mut read: BTreeMap<Place, Option<String>> = BTreeMap::new();
    for (index, entry) in machine.entries.iter().enumerate() {
        let (place, named) = match &entry.start {
            Start::Linux(linux) => (linux.kernel.place.clone(), None),
            Start::Uki(uki) => (Some(uki.place.clone()), uki.release.clone()),
            Start::Other(_) => continue,
        };
        let Some(place) = place else { continue };
        let release = match (named, read.get(&place)) {
            (Some(release), _) => Some(release),
            (None, Some(release)) => release.clone(),
            (None, None) => system::release(machine.volumes, &place)?,
        };
        read.insert(place.clone(), release.clone());
        let Some(release) = release else { continue };
        let same_image = found
            .iter()
            .find(|(_, kernel)| kernel.image.as_ref() == Some(&place))
            .map(|(release, _)| release.clone());
        let release = same_image.unwrap_or(release);
        if found.len() >= MAX_KERNELS && !found.contains_key(&release) {
            continue;
        }
        let kernel = found
            .entry(release.clone())
            .or_insert_with(|| kernel(&release));
        kernel.image.get_or_insert(place);
        kernel.entries.push(index);
    }
    Ok(())
}

/// Folders of modules. One that a removed kernel left behind has neither of both signs.
fn folders(files: Files<'_>, found: &mut Found) -> Result<(), FsError> {
    for parent in MODULES {
        let names = files.list(parent)?;
        for release in names.iter().take(MAX_KERNELS.saturating_mul(2)) {
            let folder = format!("{parent}/{release}");
            let known = found
                .get(release)
                .is_some_and(|kernel| kernel.modules_folder.is_some());
            if known || !release.starts_with(|c: char| c.is_ascii_digit()) {
                continue;
            }
            let has_list = files.is_file(&format!("{folder}/modules.dep"))?;
            if !has_list && files.kind(&format!("{folder}/kernel"))?.is_none() {
                continue;
            }
            let kernel = found
                .entry(release.clone())
                .or_insert_with(|| kernel(release));
            kernel.modules = true;
            kernel.modules_folder = Some(folder);
        }
    }
    Ok(())
}

/// The image beside the modules, as SUSE, Fedora and Arch have it; configuration and drivers.
fn finish(machine: Machine<'_>, kernel: &mut Kernel) -> Result<(), InspectError> {
    let files = Files::new(machine.joined);
    let on = |error| machine.joined.error(error);
    let folder = kernel.modules_folder.clone();
    if let (None, Some(folder)) = (&kernel.image, &folder) {
        let path = format!("{folder}/vmlinuz");
        if files.is_file(&path).map_err(on)? {
            kernel.image = Some(machine.joined.place(&path).map_err(on)?);
        }
    }
    let release = kernel.image_release.as_ref().unwrap_or(&kernel.release);
    let mut configs = vec![format!("/boot/config-{release}")];
    configs.extend(folder.iter().map(|folder| format!("{folder}/config")));
    for path in configs {
        if kernel.config.is_none() && files.is_file(&path).map_err(on)? {
            kernel.config = Some(path);
        }
    }
    // A copy for emergencies is the kernel of its release: that one's modules are its own.
    let folder = match (&folder, kernel.kind) {
        (None, KernelKind::Rescue) => of_release(files, release).map_err(on)?,
        (folder, _) => folder.clone(),
    };
    kernel.drivers =
        drivers::find(files, folder.as_deref(), kernel.config.as_deref()).map_err(on)?;
    Ok(())
}

fn of_release(files: Files<'_>, release: &str) -> Result<Option<String>, FsError> {
    for parent in MODULES {
        let folder = format!("{parent}/{release}");
        if files.kind(&folder)?.is_some() {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// For the exerciser.
pub(crate) fn exercise(bytes: &[u8]) {
    drivers::exercise(bytes);
    kind(&String::from_utf8_lossy(bytes));
}

#[cfg(test)]
pub(crate) mod tests;
