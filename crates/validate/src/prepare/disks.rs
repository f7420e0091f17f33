//! The new disks: digested, copied, named.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use detente_block::BlockRead;
use detente_copy::{Amount, ConvertError, ConvertOptions, OnExisting, Progress, convert};
use detente_disk::Image;
use detente_guest::prepare::{DiskImage, JOURNAL_FILE, Journal};
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::error::PrepareError;
use super::names::{Names as _, System};
use super::observer::{PrepareEvent, PrepareObserver};
use super::outcome::DiskMade;
use super::outputs::Outputs;
use super::publish::Intent;
use super::result::Looked;
use super::work::WorkFolder;
use crate::DiskInput;
use crate::agent::hex;
use crate::digests::Digesting;

/// What the journal is called in the work folder.
pub(crate) const JOURNAL: &str = "journal";

/// The work folder, beside the names that will be given.
pub(crate) fn work_folder(outputs: &Outputs) -> Result<WorkFolder, PrepareError> {
    let work = WorkFolder::create(&outputs.above, OsStr::new(&outputs.name));
    let work = work.map_err(|source| write_error(&outputs.above, source))?;
    if let Some(folder) = outputs.folder_made() {
        subfolder(&work, folder)?;
    }
    Ok(work)
}

/// A folder in it.
pub(crate) fn subfolder(work: &WorkFolder, name: &str) -> Result<PathBuf, PrepareError> {
    let made = work.subfolder(name);
    made.map_err(|source| write_error(&work.path().join(name), source))
}

/// `prepare-20261122T141500Z-1a2b3c4d`: no two are alike.
pub(crate) fn run_id() -> Result<String, PrepareError> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(|_| PrepareError::Random)?;
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    Ok(format!("prepare-{time}-{}", hex(&random)))
}

/// The SHA-256 of a document.
pub(crate) fn digest_of(document: &impl Serialize) -> Result<String, PrepareError> {
    let text = serde_json::to_vec(document).map_err(crate::ValidateError::from)?;
    Ok(hex(&Sha256::digest(text)))
}

/// The disks as the guest sees them.
pub(crate) fn readers(disks: &[DiskInput]) -> Vec<Arc<dyn BlockRead>> {
    disks.iter().map(|disk| disk.image.reader.clone()).collect()
}

/// The digests of the disks as they are, taken beside everything else.
pub(crate) struct Sources(Digesting);

impl Sources {
    /// Begins.
    pub(crate) fn digest(disks: &[DiskInput]) -> Self {
        let readers: Vec<_> = readers(disks).into_iter().map(Some).collect();
        Self(Digesting::start(&readers))
    }

    /// Waits for them.
    pub(crate) fn finish(
        self,
        disks: &[DiskInput],
        interrupt: &AtomicBool,
    ) -> Result<Vec<DiskImage>, PrepareError> {
        let digests = self.0.finish(interrupt);
        let described = disks.iter().zip(digests).map(|(disk, digest)| {
            let path = disk.path.clone();
            Ok(DiskImage {
                path: path.display().to_string(),
                format: format_of(&disk.image).to_owned(),
                size_bytes: disk.image.reader.len_bytes(),
                content_digest: digest.ok_or_else(|| undigested(path, interrupt))?,
            })
        });
        described.collect()
    }
}

fn undigested(path: PathBuf, interrupt: &AtomicBool) -> PrepareError {
    if interrupt.load(Ordering::Relaxed) {
        return PrepareError::Interrupted;
    }
    PrepareError::Digest { path }
}

fn format_of(image: &Image) -> &'static str {
    image
        .layers
        .first()
        .map_or("raw", |layer| layer.format.qemu_name())
}

/// New disks that have no names yet.
pub(crate) struct Made(Vec<(u64, Option<String>)>);

impl Made {
    /// For the journal.
    pub(crate) fn images(&self, outputs: &Outputs) -> Vec<DiskImage> {
        let disks = self.0.iter().zip(&outputs.disks);
        disks
            .map(|((size_bytes, digest), output)| DiskImage {
                path: output.path.display().to_string(),
                format: output.target.format().qemu_name().to_owned(),
                size_bytes: *size_bytes,
                content_digest: digest.clone().unwrap_or_default(),
            })
            .collect()
    }

    /// For the result.
    pub(crate) fn described(&self, disks: &[DiskInput], outputs: &Outputs) -> Vec<DiskMade> {
        let made = self.0.iter().zip(&outputs.disks).zip(disks);
        made.map(|(((_, digest), output), disk)| DiskMade {
            source: disk.path.display().to_string(),
            path: output.path.display().to_string(),
            format: output.target.format().qemu_name().to_owned(),
            content_digest: digest.clone(),
            before: output
                .before
                .as_ref()
                .map(|path| path.display().to_string()),
        })
        .collect()
    }
}

/// Copies the changed disks into the work folder, and digests them meanwhile.
pub(crate) fn write(
    looked: &Looked,
    outputs: &Outputs,
    work: &WorkFolder,
    interrupt: &AtomicBool,
    observer: &mut dyn PrepareObserver,
) -> Result<Made, PrepareError> {
    let readers = looked.images.iter().map(|image| Some(image.reader.clone()));
    let readers: Vec<_> = readers.collect();
    let digesting = Digesting::start(&readers);
    let mut made = copy(
        looked.images.iter().collect(),
        outputs,
        work,
        interrupt,
        observer,
    )?;
    let digests = digesting.finish(interrupt);
    for ((disk, digest), output) in made.0.iter_mut().zip(digests).zip(&outputs.disks) {
        let path = output.path.clone();
        disk.1 = Some(digest.ok_or_else(|| undigested(path, interrupt))?);
    }
    Ok(made)
}

/// Copies disks into the work folder.
pub(crate) fn copy(
    images: Vec<&Image>,
    outputs: &Outputs,
    work: &WorkFolder,
    interrupt: &AtomicBool,
    observer: &mut dyn PrepareObserver,
) -> Result<Made, PrepareError> {
    let options = ConvertOptions {
        on_existing: OnExisting::Refuse,
        ..ConvertOptions::default()
    };
    let mut made = Vec::new();
    for (image, output) in images.into_iter().zip(&outputs.disks) {
        observer.event(&PrepareEvent::Writing { path: &output.path });
        let to = work.path().join(&output.made);
        let progress = Cancelled(interrupt);
        let report = convert(image, &output.target, &to, &options, &progress);
        let report = report.map_err(|error| match error {
            ConvertError::Cancelled => PrepareError::Interrupted,
            error => PrepareError::Copy(error),
        })?;
        if let Some(before) = &output.before {
            take_over(&output.path, &to).map_err(|source| write_error(before, source))?;
        }
        made.push((report.virtual_size, None));
    }
    Ok(Made(made))
}

/// Ends with the user's wish.
struct Cancelled<'a>(&'a AtomicBool);

impl Progress for Cancelled<'_> {
    fn advanced(&self, _: Amount) {}

    fn cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Gives a new image the owner and the permissions of the one that it replaces, as far as we may.
fn take_over(old: &Path, new: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let meta = fs::metadata(old)?;
    // Another's file must not get the rights that were meant for its owner alone.
    if chown(new, Some(meta.uid()), Some(meta.gid())).is_ok() {
        fs::set_permissions(new, meta.permissions())?;
    }
    Ok(())
}

/// Writes the journal, and gives everything its name.
pub(crate) fn publish(
    outputs: &Outputs,
    work: &WorkFolder,
    journal: Option<&Journal>,
) -> Result<(), PrepareError> {
    let named = match journal {
        Some(document) => {
            let folder = work.path().join(JOURNAL);
            let path = folder.join(JOURNAL_FILE);
            let text = serde_json::to_vec_pretty(document).map_err(crate::ValidateError::from)?;
            let written = System.write(&path, &text).and_then(|()| sync_all(&folder));
            written.map_err(|source| write_error(&path, source))?;
            Some((JOURNAL.to_owned(), outputs.journal_name()))
        }
        None => None,
    };
    let intent = Intent::new(named, outputs.named()?);
    if let Some(folder) = outputs.folder_made() {
        let folder = work.path().join(folder);
        sync_all(&folder).map_err(|source| write_error(&folder, source))?;
    }
    let carried = intent.carry_out(&System, work.path());
    carried.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => PrepareError::Exists {
            path: outputs.above.join(&outputs.name),
        },
        _ => write_error(&outputs.above.join(&outputs.name), source),
    })
}

/// Makes a folder of our own making last, with everything in it.
fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sync_all(&path)?;
        } else {
            File::open(&path)?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}

fn write_error(path: &Path, source: io::Error) -> PrepareError {
    let path = path.to_owned();
    PrepareError::Write { path, source }
}
