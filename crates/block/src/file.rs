//! A file on this machine, opened for reading only.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::{BlockRead, ReadError};

/// A regular file or block device, opened for reading only: a source is never written.
#[derive(Debug)]
pub struct FileBackend {
    file: File,
    len: u64,
}

impl FileBackend {
    /// Opens `path` for reading.
    ///
    /// # Errors
    /// What the operating system says; a directory is refused with `IsADirectory`.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let len = rustix::fs::seek(&file, rustix::fs::SeekFrom::End(0))?;
        Ok(Self { file, len })
    }
}

impl BlockRead for FileBackend {
    fn len_bytes(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let wanted = buf.len() as u64;
        if offset.checked_add(wanted).is_none_or(|end| end > self.len) {
            return Err(ReadError::PastEnd { offset, wanted, end: self.len });
        }
        self.file.read_exact_at(buf, offset).map_err(|source| ReadError::Io { offset, source })
    }
}
