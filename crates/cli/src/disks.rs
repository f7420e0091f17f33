//! Opening the disks that a command names.

use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{BlockRead as _, DirectoryGate, FileBackend, GateError, ReadError};
use detente_disk::{Image, OpenError, OpenOptions};

use crate::failure::Failure;

/// Opens the disks of one machine, each of them once.
pub(crate) fn open_all(paths: &[PathBuf], allowed: &[PathBuf]) -> Result<Vec<Image>, Failure> {
    refuse_twins(paths)?;
    paths.iter().map(|path| open(path, allowed)).collect()
}

/// The same file by any name is the same disk, and no machine has a disk twice.
fn refuse_twins(paths: &[PathBuf]) -> Result<(), Failure> {
    let mut seen: Vec<(u64, u64, &Path)> = Vec::new();
    for path in paths {
        // What cannot be looked at cannot be opened either, and that says why.
        let Ok(file) = std::fs::metadata(path) else {
            continue;
        };
        // Two names of a device node are two files; the device is what counts.
        let (device, number) = if file.file_type().is_block_device() {
            (u64::MAX, file.rdev())
        } else {
            (file.dev(), file.ino())
        };
        if let Some((.., first)) = seen.iter().find(|(d, n, _)| (*d, *n) == (device, number)) {
            let (first, second) = (first.display(), path.display());
            return Err(Failure::usage(
                format!("{first} and {second} are the same file, and a machine has each disk once"),
                "give each image once; copy it if the guest is to have two alike",
            ));
        }
        seen.push((device, number, path));
    }
    Ok(())
}

/// Opens one disk; files that it names come through the gate.
fn open(path: &Path, allowed: &[PathBuf]) -> Result<Image, Failure> {
    open_with(path, allowed, &OpenOptions::default())
}

/// Opens one disk as the options say; files that it names come through the gate.
pub(crate) fn open_with(
    path: &Path,
    allowed: &[PathBuf],
    options: &OpenOptions,
) -> Result<Image, Failure> {
    let file = open_file(path)?;
    let is_empty = file.len_bytes() == 0;
    let gate = allowed
        .iter()
        .fold(DirectoryGate::beside(path), |gate, folder| {
            gate.allow(folder.clone())
        });
    detente_disk::open_with(path, file, &gate, options).map_err(|error| {
        let hint = if is_empty {
            Some("the file has no bytes: copy it again and compare checksums".to_owned())
        } else {
            open_hint(path, &error)
        };
        Failure::cannot_tell(
            anyhow::Error::new(error).context(path.display().to_string()),
            hint,
        )
    })
}

/// Opens the file alone, whatever it holds.
pub(crate) fn open_file(path: &Path) -> Result<Arc<FileBackend>, Failure> {
    let file = FileBackend::open(path).map_err(|error| {
        let hint = io_hint(error.kind());
        Failure::cannot_tell(
            anyhow::Error::new(error).context(path.display().to_string()),
            hint,
        )
    })?;
    Ok(Arc::new(file))
}

fn io_hint(kind: ErrorKind) -> Option<String> {
    match kind {
        ErrorKind::NotFound => Some("look at the spelling, and at the folder with ls".to_owned()),
        ErrorKind::IsADirectory => Some("name the image file in this folder".to_owned()),
        ErrorKind::PermissionDenied => {
            Some("the file must be readable for you; nothing more is needed".to_owned())
        }
        ErrorKind::InvalidInput => Some("name an image file or a block device".to_owned()),
        _ => None,
    }
}

fn open_hint(path: &Path, error: &OpenError) -> Option<String> {
    let path = path.display();
    match error {
        OpenError::Gate(GateError::Refused { .. }) => Some(
            "if you trust the image, allow the other file's folder with --allow-path; names of \
             protocols are never followed"
                .to_owned(),
        ),
        OpenError::Gate(_) => Some(
            "a backing file is missing: put it back, or flatten the image where it is whole"
                .to_owned(),
        ),
        OpenError::Read(ReadError::Corrupt { .. } | ReadError::PastEnd { .. }) => Some(format!(
            "the file is damaged or was cut off: `detente image check {path}` lists what is \
             broken; copy it again and compare checksums"
        )),
        OpenError::Read(ReadError::Unsupported { .. }) => Some(format!(
            "`qemu-img convert -O qcow2 {path} NEW` makes an image that is read, if QEMU can"
        )),
        _ => None,
    }
}
