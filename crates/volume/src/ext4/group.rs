//! Block group descriptors: where the inode tables are.

use super::checksum::crc32c;
use super::superblock::{OFFSET, Superblock, incompat};
use super::{Ext4, corrupt};
use crate::FsError;
use crate::fields::{le16, le32};

impl Ext4 {
    /// The first block of the inode table of `group`.
    pub(super) fn inode_table(&self, group: u32) -> Result<u64, FsError> {
        let offset = descriptor_offset(&self.superblock, u64::from(group))
            .ok_or_else(|| corrupt(format!("group {group} has no descriptor")))?;
        let mut bytes = vec![0; self.superblock.descriptor_bytes];
        self.read(offset, &mut bytes)?;
        if !is_intact(&self.superblock, group, &bytes) {
            return Err(corrupt(format!(
                "the checksum of group descriptor {group} is wrong"
            )));
        }
        let short = || corrupt("a group descriptor is cut off");
        let low = u64::from(le32(&bytes, 0x8).ok_or_else(short)?);
        // [ext4] group descriptors: the upper half exists from 64 bytes on.
        Ok(u64::from(le32(&bytes, 0x28).unwrap_or(0)) << 32 | low)
    }
}

/// Descriptors stand in one table after the first superblock, or (`META_BG`) each block of them
/// in the first of the groups that it describes.
fn descriptor_offset(superblock: &Superblock, group: u64) -> Option<u64> {
    let bytes = u64::try_from(superblock.descriptor_bytes).ok()?;
    let per_block = superblock.block_bytes.checked_div(bytes)?;
    let table_block = group.checked_div(per_block)?;
    let within = group.checked_rem(per_block)?.checked_mul(bytes)?;
    let is_meta =
        superblock.incompat & incompat::META_BG != 0 && table_block >= superblock.first_meta_group;
    let block = if is_meta {
        let first = table_block.checked_mul(per_block)?;
        let start = first.checked_mul(superblock.blocks_per_group)?;
        let start = start.checked_add(superblock.first_data_block)?;
        // Linux, `descriptor_loc`: with 1 KiB blocks the first superblock is in block 1, even
        // where group 0 starts at block 0 (`bigalloc`).
        let is_shifted = first == 0 && superblock.block_bytes == 1024 && start == 0;
        let skip = u64::from(superblock.has_superblock(first)).checked_add(is_shifted.into())?;
        start.checked_add(skip)?
    } else {
        let superblock_block = OFFSET.checked_div(superblock.block_bytes)?;
        superblock_block.checked_add(1)?.checked_add(table_block)?
    };
    superblock.offset_of(block).ok()?.checked_add(within)
}

/// The checksum field counts as zero. Without metadata checksums nothing is checked (`uninit_bg`
/// uses another sum, which says nothing that we rely on).
fn is_intact(superblock: &Superblock, group: u32, bytes: &[u8]) -> bool {
    let Some(seed) = superblock.checksum_seed else {
        return true;
    };
    let (before, rest) = bytes.split_at_checked(0x1e).unwrap_or_default();
    let seed = crc32c(crc32c(seed, &group.to_le_bytes()), before);
    let sum = crc32c(crc32c(seed, &[0; 2]), rest.get(2..).unwrap_or_default());
    le16(bytes, 0x1e).map(u32::from) == Some(sum & 0xffff)
}
