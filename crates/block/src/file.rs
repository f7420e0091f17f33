//! A file on this machine, opened for reading only.

use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{OFlags, SeekFrom, seek};
use rustix::io::Errno;

use crate::{BlockRead, Extent, ExtentKind, ReadError};

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
    /// What the operating system says; a directory is refused with `IsADirectory`, a FIFO, socket
    /// or character device with `InvalidInput` (and without waiting for its other end).
    pub fn open(path: &Path) -> io::Result<Self> {
        // Looked at before it is opened, because opening a device or FIFO can have effects.
        refuse_streams(std::fs::metadata(path)?.file_type())?;
        // It may have been exchanged since: O_NONBLOCK keeps a FIFO from holding us up.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path)?;
        refuse_streams(file.metadata()?.file_type())?;
        let len = seek(&file, SeekFrom::End(0))?;
        Ok(Self { file, len })
    }

    /// The hole at `offset` when no data follows. A file that shrank answers alike, and is no hole.
    fn hole_to_the_end(&self, offset: u64) -> Result<Extent, ReadError> {
        let now = seek(&self.file, SeekFrom::End(0)).map_err(|errno| ReadError::Io {
            offset,
            source: errno.into(),
        })?;
        if now < self.len {
            let source = io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file became shorter while it was being read",
            );
            return Err(ReadError::Io { offset, source });
        }
        Ok(Extent {
            offset,
            len: self.len.saturating_sub(offset),
            kind: ExtentKind::Zero,
        })
    }

    /// The data at `offset`, up to the next hole. Where the file system cannot say: up to the end.
    fn data_to_the_next_hole(&self, offset: u64) -> Extent {
        let end = match seek(&self.file, SeekFrom::Hole(offset)) {
            Ok(hole) if hole > offset => hole.min(self.len),
            Ok(_) | Err(_) => self.len,
        };
        Extent {
            offset,
            len: end.saturating_sub(offset),
            kind: ExtentKind::Data,
        }
    }
}

/// Lets regular files and block devices pass.
fn refuse_streams(kind: FileType) -> io::Result<()> {
    let what = if kind.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    } else if kind.is_fifo() {
        "it is a FIFO, not a file or a block device"
    } else if kind.is_socket() {
        "it is a socket, not a file or a block device"
    } else if kind.is_char_device() {
        "it is a character device, not a file or a block device"
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

impl BlockRead for FileBackend {
    fn len_bytes(&self) -> u64 {
        self.len
    }

    fn host_file(&self) -> Option<&File> {
        Some(&self.file)
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let wanted = buf.len() as u64;
        if offset.checked_add(wanted).is_none_or(|end| end > self.len) {
            return Err(ReadError::PastEnd {
                offset,
                wanted,
                end: self.len,
            });
        }
        self.file
            .read_exact_at(buf, offset)
            .map_err(|source| ReadError::Io { offset, source })
    }

    // The seeks move the file's position, which nothing here depends on: reads name theirs.
    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        if offset >= self.len {
            return Err(ReadError::PastEnd {
                offset,
                wanted: 1,
                end: self.len,
            });
        }
        match seek(&self.file, SeekFrom::Data(offset)) {
            Ok(data) if data > offset => {
                let len = data.min(self.len).saturating_sub(offset);
                Ok(Extent {
                    offset,
                    len,
                    kind: ExtentKind::Zero,
                })
            }
            Ok(_) => Ok(self.data_to_the_next_hole(offset)),
            Err(Errno::NXIO) => self.hole_to_the_end(offset),
            // Block devices and some file systems do not know about holes.
            Err(_) => {
                let len = self.len.saturating_sub(offset);
                Ok(Extent {
                    offset,
                    len,
                    kind: ExtentKind::Data,
                })
            }
        }
    }
}
