//! The bytes of a file, by position.

use std::sync::Arc;

use detente_block::{BlockRead, Extent, ExtentKind, ReadError};

use super::inode::Inode;
use super::{Ext4, corrupt, unsupported};
use crate::FsError;

/// A file that is open for reading.
pub(super) struct Ext4File {
    fs: Arc<Ext4>,
    inode: Inode,
}

impl Ext4File {
    pub(super) fn new(fs: Arc<Ext4>, inode: Inode) -> Result<Self, FsError> {
        fs.check_data(&inode)?;
        Ok(Self { fs, inode })
    }
}

impl Ext4 {
    /// Whether the data of an inode can be read, and is not longer than the format allows.
    pub(super) fn check_data(&self, inode: &Inode) -> Result<(), FsError> {
        if let Some(what) = inode.obstacle() {
            return Err(unsupported(format!("inode {} is {what}", inode.number)));
        }
        // Numbers of a file's blocks have 32 bits.
        if inode.len > self.superblock.block_bytes << 32 {
            return Err(corrupt(format!(
                "inode {} is longer than a file can be",
                inode.number
            )));
        }
        Ok(())
    }

    /// Fills `buf` from byte `offset` of a file; holes and what lies behind the end are zero.
    pub(super) fn read_data(
        &self,
        inode: &Inode,
        offset: u64,
        buf: &mut [u8],
    ) -> Result<(), FsError> {
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let (place, there) = self.place(inode, at)?;
            let count = usize::try_from(there).unwrap_or(usize::MAX).min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            match place {
                Some(place) => self.read(place, now)?,
                None => now.fill(0),
            }
            at = at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            rest = later;
        }
        Ok(())
    }

    /// Where byte `at` of a file is on the volume (`None`: a hole), and how many bytes (at least
    /// one) follow it there.
    fn place(&self, inode: &Inode, at: u64) -> Result<(Option<u64>, u64), FsError> {
        let block_bytes = self.superblock.block_bytes;
        let logical = at.checked_div(block_bytes).unwrap_or(0);
        let within = at.checked_rem(block_bytes).unwrap_or(0);
        let span = self.locate(inode, logical)?;
        let len = span
            .count
            .saturating_mul(block_bytes)
            .saturating_sub(within);
        let Some(start) = span.start else {
            return Ok((None, len));
        };
        let last = start.saturating_add(span.count.saturating_sub(1));
        self.superblock.offset_of(last)?;
        Ok((
            Some(self.superblock.offset_of(start)?.saturating_add(within)),
            len,
        ))
    }
}

impl BlockRead for Ext4File {
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
        self.fs
            .read_data(&self.inode, offset, buf)
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
            .fs
            .place(&self.inode, offset)
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
