//! The bytes of a file, by position.

use std::sync::Arc;

use detente_block::{BlockRead, Extent, ExtentKind, ReadError};

use super::Xfs;
use super::inode::Inode;
use crate::FsError;

/// A file that is open for reading.
pub(super) struct XfsFile {
    fs: Arc<Xfs>,
    inode: Inode,
}

impl XfsFile {
    pub(super) fn new(fs: Arc<Xfs>, inode: Inode) -> Result<Self, FsError> {
        inode.check_data()?;
        Ok(Self { fs, inode })
    }

    /// Where byte `at` is on the volume (`None`: it reads as zero), and how many bytes (at least
    /// one) follow it there.
    fn place(&self, at: u64) -> Result<(Option<u64>, u64), FsError> {
        let superblock = &self.fs.superblock;
        let within = at.checked_rem(superblock.block_bytes).unwrap_or(0);
        let span = self.fs.locate(&self.inode, superblock.block_of(at))?;
        let len = span.count.saturating_mul(superblock.block_bytes);
        let len = len.saturating_sub(within);
        let Some(start) = span.start else {
            return Ok((None, len));
        };
        let start = superblock.offset_of(start, span.count)?;
        Ok((Some(start.saturating_add(within)), len))
    }

    /// Data is never in the log: it is read past the overlay.
    fn fill(&self, offset: u64, buf: &mut [u8]) -> Result<(), FsError> {
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let (place, there) = self.place(at)?;
            let count = usize::try_from(there).unwrap_or(usize::MAX).min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            match place {
                Some(place) => self.fs.pages.read(place, now)?,
                None => now.fill(0),
            }
            at = at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            rest = later;
        }
        Ok(())
    }
}

impl BlockRead for XfsFile {
    fn len_bytes(&self) -> u64 {
        self.inode.len
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let wanted = u64::try_from(buf.len()).unwrap_or(u64::MAX);
        let end = self.inode.len;
        if offset.checked_add(wanted).is_none_or(|last| last > end) {
            return Err(ReadError::PastEnd {
                offset,
                wanted,
                end,
            });
        }
        self.fill(offset, buf)
            .map_err(|error| read_error(error, offset))
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        let end = self.inode.len;
        let rest = end.checked_sub(offset).filter(|&rest| rest > 0);
        let rest = rest.ok_or(ReadError::PastEnd {
            offset,
            wanted: 1,
            end,
        })?;
        let (place, there) = self
            .place(offset)
            .map_err(|error| read_error(error, offset))?;
        let kind = if place.is_some() {
            ExtentKind::Data
        } else {
            ExtentKind::Zero
        };
        Ok(Extent {
            offset,
            len: there.min(rest),
            kind,
        })
    }
}

/// What a reader of bytes can say of a file system's error.
fn read_error(error: FsError, offset: u64) -> ReadError {
    match error {
        FsError::Read(error) => error,
        FsError::Unsupported { what, .. } => ReadError::Unsupported { offset, what },
        FsError::Corrupt { rule, .. } => ReadError::Corrupt { offset, rule },
        other @ (FsError::NotFound { .. }
        | FsError::WrongKind { .. }
        | FsError::TooLong { .. }
        | FsError::TooManyLinks { .. }) => ReadError::Corrupt {
            offset,
            rule: other.to_string(),
        },
    }
}
