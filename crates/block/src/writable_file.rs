//! A file or block device of this machine that is written.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{FallocateFlags, SeekFrom, fallocate, seek};
use rustix::io::Errno;

use crate::write::{inside, not_shorter};
use crate::{BlockRead, BlockWrite, ReadError, WriteError};

/// How many zeros are written at once where no hole can be made.
const ZEROS: usize = 64 * 1024;

/// A regular file or block device that is read and written: never a source.
#[derive(Debug)]
pub struct WritableFile {
    file: File,
    len: AtomicU64,
}

impl WritableFile {
    /// Opens a file or block device that is there.
    ///
    /// # Errors
    /// What the operating system says; `InvalidInput` when it is something else.
    pub fn open(path: &Path) -> io::Result<Self> {
        let kind = std::fs::metadata(path)?.file_type();
        if !kind.is_file() && !kind.is_block_device() {
            let what = "it is neither a file nor a block device";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        Self::from_file(OpenOptions::new().read(true).write(true).open(path)?)
    }

    /// Makes a file of `len` bytes that takes no room until it is written.
    ///
    /// # Errors
    /// What the operating system says; `AlreadyExists` when there is a file.
    pub fn create(path: &Path, len: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).open(path)?;
        file.set_len(len)?;
        Self::from_file(file)
    }

    /// Takes an open file, which must have been opened for reading and writing.
    ///
    /// # Errors
    /// What the operating system says when it is asked for the length.
    pub fn from_file(file: File) -> io::Result<Self> {
        let len = AtomicU64::new(seek(&file, SeekFrom::End(0))?);
        Ok(Self { file, len })
    }

    fn write_zeros(&self, offset: u64, len: u64) -> Result<(), WriteError> {
        let zeros = vec![0; ZEROS];
        let (mut at, mut left) = (offset, len);
        while left > 0 {
            let piece = usize::try_from(left).map_or(ZEROS, |left| left.min(ZEROS));
            self.write_all_at(at, zeros.get(..piece).unwrap_or(&zeros))?;
            at = at.saturating_add(piece as u64);
            left = left.saturating_sub(piece as u64);
        }
        Ok(())
    }
}

impl BlockRead for WritableFile {
    fn len_bytes(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let (wanted, end) = (buf.len() as u64, self.len_bytes());
        if offset.checked_add(wanted).is_none_or(|last| last > end) {
            return Err(ReadError::PastEnd {
                offset,
                wanted,
                end,
            });
        }
        self.file
            .read_exact_at(buf, offset)
            .map_err(|source| ReadError::Io { offset, source })
    }
}

impl BlockWrite for WritableFile {
    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> Result<(), WriteError> {
        inside(offset, bytes.len() as u64, self.len_bytes())?;
        self.file
            .write_all_at(bytes, offset)
            .map_err(|source| WriteError::Io { offset, source })
    }

    fn flush(&self) -> Result<(), WriteError> {
        self.file
            .sync_data()
            .map_err(|source| WriteError::Io { offset: 0, source })
    }

    fn zero_at(&self, offset: u64, len: u64) -> Result<(), WriteError> {
        inside(offset, len, self.len_bytes())?;
        if len == 0 {
            return Ok(());
        }
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        match fallocate(&self.file, hole, offset, len) {
            Ok(()) => Ok(()),
            // No holes here, or none at this alignment (block devices).
            Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NODEV | Errno::NOSYS) => {
                self.write_zeros(offset, len)
            }
            Err(errno) => Err(WriteError::Io {
                offset,
                source: errno.into(),
            }),
        }
    }

    /// A block device cannot be made longer; but it can have become so meanwhile.
    fn grow(&self, len: u64) -> Result<(), WriteError> {
        not_shorter(self.len_bytes(), len)?;
        let failed = |source| WriteError::Io {
            offset: len,
            source,
        };
        let there = seek(&self.file, SeekFrom::End(0)).map_err(|errno| failed(errno.into()))?;
        if there < len {
            self.file
                .set_len(len)
                .map_err(|source| match source.kind() {
                    io::ErrorKind::InvalidInput => WriteError::Unsupported {
                        what: "making a block device longer",
                    },
                    _ => failed(source),
                })?;
        }
        self.len.store(len, Ordering::Release);
        Ok(())
    }
}
