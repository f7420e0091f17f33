//! What is served.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use detente_block::{BlockRead, BlockWrite, Overlay, WritableFile, WriteError};

use crate::spec::{
    FLAG_CAN_MULTI_CONN, FLAG_HAS_FLAGS, FLAG_READ_ONLY, FLAG_SEND_FLUSH, FLAG_SEND_FUA,
    FLAG_SEND_TRIM, FLAG_SEND_WRITE_ZEROES,
};

/// A disk to be served. Its length must not change while it is.
#[derive(Clone)]
pub struct Export {
    disk: Disk,
}

#[derive(Clone)]
enum Disk {
    ReadOnly(Arc<dyn BlockRead>),
    Writable(Arc<dyn BlockWrite>),
}

impl Export {
    /// A disk that clients can only read.
    #[must_use]
    pub fn read_only(disk: Arc<dyn BlockRead>) -> Self {
        let disk = Disk::ReadOnly(disk);
        Self { disk }
    }

    /// A disk that clients can write too.
    #[must_use]
    pub fn writable(disk: Arc<dyn BlockWrite>) -> Self {
        let disk = Disk::Writable(disk);
        Self { disk }
    }

    /// A disk whose writes go into a sparse file in `folder` that has no name, and that is gone
    /// with the export. All clients see the same writes; `base` is only read.
    ///
    /// # Errors
    /// What the operating system says when the file is made.
    pub fn overlay(base: Arc<dyn BlockRead>, folder: &Path) -> io::Result<Self> {
        let store = nameless_file(folder, base.len_bytes())?;
        let overlay = Overlay::new(base, Arc::new(store)).map_err(|error| match error {
            WriteError::Io { source, .. } => source,
            other => io::Error::other(other),
        })?;
        Ok(Self::writable(Arc::new(overlay)))
    }

    pub(crate) fn reader(&self) -> &dyn BlockRead {
        match &self.disk {
            Disk::ReadOnly(disk) => &**disk,
            Disk::Writable(disk) => &**disk,
        }
    }

    pub(crate) fn writer(&self) -> Option<&dyn BlockWrite> {
        match &self.disk {
            Disk::ReadOnly(_) => None,
            Disk::Writable(disk) => Some(&**disk),
        }
    }

    /// What the export can do ("Transmission flags"). Several connections are no danger: all share
    /// one disk, which shows every write to everybody at once and flushes them all.
    pub(crate) fn flags(&self) -> u16 {
        let always = FLAG_HAS_FLAGS | FLAG_CAN_MULTI_CONN;
        match &self.disk {
            Disk::ReadOnly(_) => always | FLAG_READ_ONLY,
            Disk::Writable(_) => {
                always | FLAG_SEND_FLUSH | FLAG_SEND_FUA | FLAG_SEND_TRIM | FLAG_SEND_WRITE_ZEROES
            }
        }
    }
}

/// A file that lives as long as it is open.
fn nameless_file(folder: &Path, len: u64) -> io::Result<WritableFile> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".detente-nbd-{}-{number}", std::process::id()));
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    std::fs::remove_file(&path)?;
    file.set_len(len)?;
    WritableFile::from_file(file)
}
