//! A block device that is written in place.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{BlockRead, FileBackend};
use rustix::fs::{Advice, FallocateFlags, OFlags, SeekFrom, fadvise, fallocate, seek};
use rustix::io::Errno;

use crate::destination::Destination;

/// How many zeroes are written at once where the device cannot do it itself.
const ZEROES: usize = 1 << 20;

/// A block device. Nothing can be undone here: a conversion that fails leaves a part of the disk.
pub(crate) struct Device {
    file: File,
    path: PathBuf,
    len: u64,
}

impl Device {
    /// Opens it for writing, for nobody else meanwhile: a mounted one is refused by the kernel.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlags::EXCL.bits().cast_signed())
            .open(path)?;
        let len = seek(&file, SeekFrom::End(0))?;
        Ok(Self {
            file,
            path: path.to_path_buf(),
            len,
        })
    }

    pub(crate) fn len_bytes(&self) -> u64 {
        self.len
    }

    fn write_zeroes(&self, offset: u64, len: u64) -> io::Result<()> {
        let zeroes = vec![0; ZEROES];
        let (mut at, mut left) = (offset, len);
        while left > 0 {
            let piece = usize::try_from(left).map_or(ZEROES, |left| left.min(ZEROES));
            self.file
                .write_all_at(zeroes.get(..piece).unwrap_or(&zeroes), at)?;
            at = at.saturating_add(piece as u64);
            left = left.saturating_sub(piece as u64);
        }
        Ok(())
    }
}

impl Destination for Device {
    fn path(&self) -> &Path {
        &self.path
    }

    fn starts_empty(&self) -> bool {
        false
    }

    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    /// The kernel copies between regular files only.
    fn copy_from(&self, _source: &File, _from: u64, _to: u64, _len: u64) -> io::Result<u64> {
        Err(Errno::OPNOTSUPP.into())
    }

    fn zero_at(&self, offset: u64, len: u64) -> io::Result<()> {
        let how = FallocateFlags::ZERO_RANGE | FallocateFlags::KEEP_SIZE;
        match fallocate(&self.file, how, offset, len) {
            Ok(()) => Ok(()),
            // Not at this alignment, or not at all.
            Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NODEV | Errno::NOSYS) => {
                self.write_zeroes(offset, len)
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// Its length stays; what lies behind the disk stays as it is.
    fn set_len(&self, _len: u64) -> io::Result<()> {
        Ok(())
    }

    fn allocate(&self, _len: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn reopen(&self) -> io::Result<Arc<dyn BlockRead>> {
        let _ = fadvise(&self.file, 0, None, Advice::DontNeed);
        Ok(Arc::new(FileBackend::open(&self.path)?))
    }

    fn allocated_bytes(&self) -> io::Result<u64> {
        Ok(self.len)
    }

    fn publish(&mut self) -> io::Result<()> {
        Ok(())
    }
}
