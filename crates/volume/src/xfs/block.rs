//! A block of metadata, and the header by which blocks of version 5 say whose they are.

use super::checksum::is_intact;
use super::{Xfs, corrupt};
use crate::FsError;
use crate::fields::{array, be64};

/// Bytes of metadata as they are once the log is replayed.
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    /// The byte of the volume where they start.
    pub(super) offset: u64,
    /// The log changed them: their sum is an older one's.
    pub(super) is_replayed: bool,
}

/// Where a kind of block has its self-description.
pub(super) struct Places {
    /// What the block is called in errors.
    pub(super) what: &'static str,
    pub(super) crc: usize,
    pub(super) address: usize,
    pub(super) uuid: usize,
    pub(super) owner: usize,
}

impl Xfs {
    /// `count` blocks from `start`.
    pub(super) fn blocks(&self, start: u64, count: u64) -> Result<Block, FsError> {
        let offset = self.superblock.offset_of(start, count)?;
        let len = count.checked_mul(self.superblock.block_bytes);
        let len = len.and_then(|len| usize::try_from(len).ok());
        let mut bytes = vec![0; len.ok_or_else(|| corrupt("a block is too long"))?];
        let is_replayed = self.read(offset, &mut bytes)?;
        Ok(Block {
            bytes,
            offset,
            is_replayed,
        })
    }

    /// Holds a block of version 5 against what it says of itself. `owner` is an inode's number.
    pub(super) fn check_block(
        &self,
        block: &Block,
        places: &Places,
        owner: u64,
    ) -> Result<(), FsError> {
        let Block {
            bytes,
            offset,
            is_replayed,
        } = block;
        // Addresses count units of 512 bytes, whatever the sector size.
        let address = offset.checked_div(512);
        let rules = [
            (
                *is_replayed || is_intact(bytes, places.crc),
                "a wrong checksum",
            ),
            (
                be64(bytes, places.address) == address,
                "the address of another",
            ),
            (
                array(bytes, places.uuid) == Some(self.superblock.meta_uuid),
                "the UUID of another file system",
            ),
            (
                // Exchanging the extents of two inodes changes owners in a way that the log only
                // hints at.
                be64(bytes, places.owner) == Some(owner) || !self.overlay.is_empty(),
                "another owner",
            ),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            None => Ok(()),
            Some((_, rule)) => {
                let what = places.what;
                Err(corrupt(format!("{what} of inode {owner} has {rule}")))
            }
        }
    }
}
