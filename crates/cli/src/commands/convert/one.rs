//! One machine.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use detente_copy::{ConvertOptions, OnExisting, Verification, convert as convert_disk};
use detente_disk::{Qcow2Spec, Target, VhdxSpec};
use detente_machine::kit;
use detente_machine::spec::{DiskFormat, DiskSource, Sectors};

use super::document::{Document, Made};
use super::source::{self, Kind, Loaded, Opened};
use super::target::{self, Definition};
use super::{DiskKind, Effect, Losing, Platform, Preparation, Wanted, guest, prepare};
use crate::commands::image::progress;
use crate::commands::image::watcher::{Watcher, reading};
use crate::commands::image::written::{Names, failure};
use crate::commands::new_folder::NewFolder;
use crate::failure::Failure;

/// Whether somebody watches how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Shown,
    Unseen,
}

/// Converts a machine; what would be lost is in the document, which says too whether it was made.
pub(super) fn convert(
    wanted: &Wanted,
    cancel: &Arc<AtomicBool>,
    look: Look,
) -> Result<Document, Failure> {
    let mut loaded = source::load(wanted)?;
    adapt(wanted, &mut loaded);
    let folder = match wanted.effect {
        Effect::Made => Some(NewFolder::create(&wanted.destination)?),
        Effect::OnlySaid => None,
    };
    let target = match &folder {
        Some(folder) => folder.target().to_owned(),
        // As it would be named in a definition.
        None => {
            std::path::absolute(&wanted.destination).unwrap_or_else(|_| wanted.destination.clone())
        }
    };
    settle(wanted, &mut loaded, &target);
    let definition = target::definition(wanted, &loaded.spec)?;
    loaded.losses.append(definition.losses().clone());
    let mut document = Document::new(wanted, &loaded, &target);
    let shut = loaded.losses.gates(&wanted.accept);
    let strict = wanted.losses == Losing::Refused && !loaded.losses.is_faithful();
    let Some(folder) = folder.filter(|_| shut.is_empty() && !strict) else {
        document.refuse(shut, strict);
        return Ok(document);
    };
    if wanted.preparation == Preparation::First {
        prepare::prepare(wanted, &mut loaded, &folder, cancel, look)?;
    }
    for opened in &loaded.images {
        document
            .disks
            .push(disk(wanted, opened, &loaded, &folder, cancel, look)?);
    }
    prepare::clear(&folder)?;
    write(&folder, &definition, &loaded, &document)?;
    let folder = folder
        .publish()
        .map_err(|error| Failure::cannot_tell(error, None))?;
    document.made(&folder);
    Ok(document)
}

/// What the user says, and what the disks say.
fn adapt(wanted: &Wanted, loaded: &mut Loaded) {
    let images: Vec<_> = loaded.images.iter().map(|opened| &opened.image).collect();
    let seen = guest::look(&images);
    let spec = &mut loaded.spec;
    seen.enter(spec, loaded.kind.is_defined(), &mut loaded.losses);
    if loaded.kind == Kind::Disks {
        seen.doubt(&mut loaded.losses);
    }
    if let Some(name) = &wanted.name {
        spec.name.clone_from(name);
    }
    if let Some(count) = wanted.processors {
        spec.processors.count = count;
        spec.processors.online = None;
        spec.processors.topology = None;
    }
    if let Some(mib) = wanted.memory_mib {
        spec.memory.startup_bytes = mib << 20;
        spec.memory.range = detente_machine::spec::MemoryRange::Fixed;
    }
    for opened in &loaded.images {
        let size = opened.image.reader.len_bytes();
        if let Some(disk) = spec.disks.get_mut(opened.index) {
            disk.size_bytes = Some(size);
        }
    }
}

/// Where the new disks will be.
fn settle(wanted: &Wanted, loaded: &mut Loaded, target: &Path) {
    for opened in &loaded.images {
        let Some(disk) = loaded.spec.disks.get_mut(opened.index) else {
            continue;
        };
        let name = file_name(wanted, opened.index);
        disk.source = Some(match wanted.to {
            // A kit is carried about: its disks are beside its definition.
            Platform::Kit => DiskSource::File {
                path: name,
                format: DiskFormat::Vhdx,
            },
            Platform::Libvirt | Platform::Qemu | Platform::Kubevirt => DiskSource::File {
                path: target.join(name).display().to_string(),
                format: match wanted.disk_format {
                    DiskKind::Qcow2 => DiskFormat::Qcow2,
                    DiskKind::Raw => DiskFormat::Raw,
                },
            },
        });
    }
}

/// What the new disk of this index is called.
pub(super) fn file_name(wanted: &Wanted, index: usize) -> String {
    match (wanted.to, wanted.disk_format) {
        (Platform::Kit, _) => kit::disk_file(index),
        (_, DiskKind::Qcow2) => format!("disk{index}.qcow2"),
        (_, DiskKind::Raw) => format!("disk{index}.raw"),
    }
}

fn disk(
    wanted: &Wanted,
    opened: &Opened,
    loaded: &Loaded,
    folder: &NewFolder,
    cancel: &AtomicBool,
    look: Look,
) -> Result<Made, Failure> {
    let name = file_name(wanted, opened.index);
    let path = folder.path(&name);
    let sectors = loaded
        .spec
        .disks
        .get(opened.index)
        .and_then(|disk| disk.sectors);
    let target = image_target(wanted, sectors);
    let options = ConvertOptions {
        on_existing: OnExisting::Refuse,
        verification: if wanted.verify {
            Verification::ReadBack
        } else {
            Verification::Skip
        },
        ..ConvertOptions::default()
    };
    let watchers = [Watcher::new(cancel)];
    let [watcher] = &watchers;
    let work = || convert_disk(&opened.image, &target, &path, &options, watcher);
    let done = match look {
        Look::Shown => progress::shown(|| reading(&watchers), work),
        Look::Unseen => work(),
    };
    let names = Names {
        source: Some(&opened.path),
        target: &path,
    };
    let report = done.map_err(|error| failure(names, error))?;
    let digest = match wanted.to {
        Platform::Kit => Some(target::digest(&path, cancel)?),
        Platform::Libvirt | Platform::Qemu | Platform::Kubevirt => None,
    };
    Ok(Made {
        file: name,
        source: opened.path.display().to_string(),
        virtual_size_bytes: report.virtual_size,
        file_size_bytes: report.file_bytes,
        allocated_bytes: report.allocated_bytes,
        sha256: digest,
    })
}

fn image_target(wanted: &Wanted, sectors: Option<Sectors>) -> Target {
    match (wanted.to, wanted.disk_format) {
        (Platform::Kit, _) => {
            let default = VhdxSpec::default();
            Target::Vhdx(VhdxSpec {
                logical_sector_bytes: sectors
                    .map_or(default.logical_sector_bytes, |own| own.logical_bytes),
                physical_sector_bytes: sectors
                    .map_or(default.physical_sector_bytes, |own| own.physical_bytes),
                ..default
            })
        }
        (_, DiskKind::Qcow2) => Target::Qcow2(Qcow2Spec::default()),
        (_, DiskKind::Raw) => Target::Raw,
    }
}

/// The definition in the platform's words and in ours, and what was lost.
fn write(
    folder: &NewFolder,
    definition: &Definition,
    loaded: &Loaded,
    document: &Document,
) -> Result<(), Failure> {
    let mut files = definition.files(&document.disks);
    files.push((
        kit::MACHINE_FILE.to_owned(),
        loaded.spec.to_json().into_bytes(),
    ));
    files.push(("losses.txt".to_owned(), document.losses_text().into_bytes()));
    files.push(("losses.json".to_owned(), document.losses_json()));
    files.push(("convert.json".to_owned(), document.json()));
    for (name, bytes) in files {
        folder
            .write(&name, &bytes)
            .map_err(|error| Failure::cannot_tell(error, None))?;
    }
    Ok(())
}
