//! Opening a disk's chain again, with nothing but the files that the run started with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{BlockRead, FileBackend, ListGate};
use detente_disk::Mapped as _;

use crate::DiskInput;

/// The guest's view of the disk whose top file is `top`, resting on files of `chain` alone; `None`
/// where it cannot be opened.
pub(crate) fn open_known(top: &Path, chain: &[PathBuf]) -> Option<Arc<dyn BlockRead>> {
    let file = FileBackend::open(top).ok()?;
    let gate = ListGate::of(top, chain);
    let image = detente_disk::open(top, Arc::new(file), &gate).ok()?;
    Some(image.reader)
}

/// Every file that a disk's bytes come from, the top one first: its layers, and what they spread
/// over.
pub(crate) fn files(disk: &DiskInput) -> Vec<PathBuf> {
    let files = disk.image.stack.files().iter();
    files.map(|file| file.path.clone()).collect()
}

/// A disk opened anew: what is read of it then is what its files hold now, not what an earlier
/// reader remembers of them.
pub(crate) fn reopen(disk: &DiskInput) -> Option<Arc<dyn BlockRead>> {
    open_known(&disk.path, &files(disk))
}
