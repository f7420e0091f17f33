//! Opening the disks that a command names.

use std::fmt::Display;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{BlockRead as _, DirectoryGate, FileBackend, GateError, ReadError};
use detente_disk::{Format, Image, Layer, OpenError, OpenOptions};

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
    let len_bytes = file.len_bytes();
    detente_disk::open_with(path, file, &gate(path, allowed), options)
        .map_err(|error| not_opened(path, len_bytes, error))
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

/// Says what a file says of itself, without what it rests on or the data file that it names.
pub(crate) fn describe(
    path: &Path,
    allowed: &[PathBuf],
    format: Option<Format>,
) -> Result<(Layer, u64), Failure> {
    let file = open_file(path)?;
    let len_bytes = file.len_bytes();
    let gate = gate(path, allowed);
    let layer = detente_disk::open_layer_as(path, file, &gate, format)
        .map_err(|error| not_opened(path, len_bytes, error))?;
    Ok((layer, len_bytes))
}

/// What an image may name: files of its own folder, and of those that were allowed.
fn gate(path: &Path, allowed: &[PathBuf]) -> DirectoryGate {
    let beside = DirectoryGate::beside(path);
    allowed
        .iter()
        .fold(beside, |gate, folder| gate.allow(folder.clone()))
}

fn not_opened(path: &Path, len_bytes: u64, error: OpenError) -> Failure {
    let hint = match len_bytes {
        0 => Some("the file has no bytes: copy it again and compare checksums".to_owned()),
        _ => open_hint(path, &error),
    };
    let named = anyhow::Error::new(error).context(path.display().to_string());
    Failure::cannot_tell(named, hint)
}

fn io_hint(kind: ErrorKind) -> Option<String> {
    match kind {
        ErrorKind::NotFound => Some("look at the spelling, and at the folder with ls".to_owned()),
        ErrorKind::IsADirectory => Some("name the image file in this folder".to_owned()),
        ErrorKind::PermissionDenied => {
            Some("the file must be readable for you; nothing more is needed".to_owned())
        }
        ErrorKind::NotADirectory => Some(
            "what stands before the last / is a file, not a folder: look at the spelling"
                .to_owned(),
        ),
        ErrorKind::InvalidInput => Some("name an image file or a block device".to_owned()),
        _ => None,
    }
}

fn open_hint(path: &Path, error: &OpenError) -> Option<String> {
    let path = path.display();
    match error {
        OpenError::Gate(GateError::Refused { .. })
        | OpenError::DataFile(GateError::Refused { .. }) => Some(
            "if you trust the image, allow the other file's folder with --allow-path; names of \
             protocols are never followed"
                .to_owned(),
        ),
        OpenError::Gate(_) => Some(
            "a backing file is missing: put it back, or flatten the image where it is whole"
                .to_owned(),
        ),
        OpenError::DataFile(_) => Some(format!(
            "the disk's data is in that file: put it back where {path} names it"
        )),
        OpenError::Loop { path, .. } => Some(format!(
            "the name is wrong, not the data: `qemu-img rebase -u -b BASE -F FORMAT {}` corrects \
             that of a backing file",
            path.display()
        )),
        OpenError::Read(ReadError::Corrupt { .. } | ReadError::PastEnd { .. }) => Some(format!(
            "the file is damaged or was cut off: `detente image check {path}` lists what is \
             broken; copy it again and compare checksums"
        )),
        OpenError::Read(ReadError::Unsupported { .. }) => Some(unsupported_hint(path)),
        _ => None,
    }
}

/// The way out when an image is of a kind that is not read.
pub(crate) fn unsupported_hint(path: impl Display) -> String {
    format!("`qemu-img convert -O qcow2 {path} NEW` makes an image that is read, if QEMU can")
}
