//! Disks by the paths that definitions give them.

use std::fs;
use std::path::{Path, PathBuf};

use detente_disk::OpenOptions;
use detente_machine::spec::DiskDevice;
use detente_machine::{Losses, MachineSpec};

use super::super::Wanted;
use super::{Kind, Loaded, Opened, path_of};
use crate::disks;
use crate::failure::Failure;

/// Where libvirt keeps disks unless told otherwise.
const LIBVIRT_IMAGES: &str = "/var/lib/libvirt/images";
/// Exports have folders in folders, and not many.
const MAX_DEPTH: usize = 4;
const MAX_FILES: usize = 10_000;

/// Opens the disks of a definition that names them as this host does.
pub(super) fn of_host(
    spec: MachineSpec,
    losses: Losses,
    kind: Kind,
    above: &Path,
    wanted: &Wanted,
) -> Result<Loaded, Failure> {
    let find = |named: &str| {
        let path = above.join(named);
        if path.exists() {
            return allowed(&path, above, wanted).map(|()| path);
        }
        // Moved together with its definition.
        let beside = above.join(base_name(named));
        if beside.is_file() {
            Ok(beside)
        } else {
            Err(missing(named))
        }
    };
    open(spec, losses, kind, wanted, find)
}

/// Opens the disks of a machine of Hyper-V's: by their names, wherever they are beneath a folder.
pub(super) fn of_folder(
    spec: MachineSpec,
    losses: Losses,
    kind: Kind,
    folder: &Path,
    wanted: &Wanted,
) -> Result<Loaded, Failure> {
    let files = beneath(folder)?;
    let find = |named: &str| {
        let name = base_name(named);
        let is = |path: &&PathBuf| {
            let own = path.file_name().and_then(|own| own.to_str());
            own.is_some_and(|own| own.eq_ignore_ascii_case(name))
        };
        let found: Vec<_> = files.iter().filter(is).collect();
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(missing(named)),
            [first, second, ..] => Err(Failure::usage(
                format!(
                    "both {} and {} are called {name}",
                    first.display(),
                    second.display()
                ),
                "leave the one that belongs to this machine",
            )),
        }
    };
    open(spec, losses, kind, wanted, find)
}

fn open(
    spec: MachineSpec,
    losses: Losses,
    kind: Kind,
    wanted: &Wanted,
    find: impl Fn(&str) -> Result<PathBuf, Failure>,
) -> Result<Loaded, Failure> {
    let mut images = Vec::new();
    for (index, disk) in spec.disks.iter().enumerate() {
        if disk.device != DiskDevice::Disk {
            continue;
        }
        let named = disk.source.as_ref().and_then(path_of).ok_or_else(|| {
            Failure::usage(
                format!(
                    "disk {index} of {} is in no file: {:?}",
                    spec.name, disk.source
                ),
                "copy it to a file, and name the file in the definition",
            )
        })?;
        let path = find(named)?;
        let image = disks::open_with(&path, &wanted.allow_path, &OpenOptions::default())?;
        images.push(Opened { index, path, image });
    }
    Ok(Loaded {
        spec,
        losses,
        kind,
        images,
    })
}

/// A definition can come from anywhere, so it opens what lies beside it, what libvirt keeps, and
/// what the user allows.
fn allowed(path: &Path, above: &Path, wanted: &Wanted) -> Result<(), Failure> {
    let real = |path: &Path| fs::canonicalize(path).ok();
    let folders = [above, Path::new(LIBVIRT_IMAGES)].into_iter();
    let folders = folders.chain(wanted.allow_path.iter().map(PathBuf::as_path));
    let path_itself = real(path);
    let inside = |folder: &Path| {
        let folder = real(if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        });
        folder
            .zip(path_itself.as_ref())
            .is_some_and(|(folder, path)| path.starts_with(folder))
    };
    if folders.into_iter().any(inside) {
        return Ok(());
    }
    Err(Failure::usage(
        format!(
            "the definition names {}, which lies elsewhere",
            path.display()
        ),
        "if you trust the definition, allow the folder with --allow-path",
    ))
}

/// The last part of a path of Windows or of Linux.
fn base_name(named: &str) -> &str {
    named.rsplit(['/', '\\']).next().unwrap_or(named)
}

fn missing(named: &str) -> Failure {
    let what = format!("the disk {named:?} is not there");
    let hint = "put it beside the definition, under its own name".to_owned();
    Failure::cannot_tell(anyhow::Error::msg(what), Some(hint))
}

/// The files beneath a folder, in order; links are not followed.
pub(super) fn beneath(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    walk(folder, MAX_DEPTH, &mut found).map_err(|error| {
        let error = anyhow::Error::new(error).context(folder.display().to_string());
        Failure::cannot_tell(error, None)
    })?;
    if found.len() > MAX_FILES {
        return Err(Failure::usage(
            format!("{} has more than {MAX_FILES} files", folder.display()),
            "name the folder of one machine",
        ));
    }
    found.sort();
    Ok(found)
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        match depth.checked_sub(1) {
            Some(depth) if kind.is_dir() => walk(&entry.path(), depth, found)?,
            _ if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
        if found.len() > MAX_FILES {
            return Ok(());
        }
    }
    Ok(())
}
