//! The superblock.

use super::checksum::crc32c;
use super::{corrupt, unsupported};
use crate::FsError;
use crate::fields::{array, le16, le32};
use crate::pages::Pages;

/// Where it stands, whatever the block size.
pub(super) const OFFSET: u64 = 1024;
/// How long it is.
pub(super) const BYTES: usize = 1024;

/// Incompatible features that change what is read here.
pub(super) mod incompat {
    pub(in crate::ext4) const FILETYPE: u32 = 0x2;
    pub(in crate::ext4) const RECOVER: u32 = 0x4;
    pub(in crate::ext4) const META_BG: u32 = 0x10;
    pub(in crate::ext4) const BITS_64: u32 = 0x80;
    pub(in crate::ext4) const CSUM_SEED: u32 = 0x2000;
    /// Those that a reader may meet: `FILETYPE`, `RECOVER`, `META_BG`, `EXTENTS`, `64BIT`, `MMP`,
    /// `FLEX_BG`, `EA_INODE`, `CSUM_SEED`, `LARGEDIR`, `INLINE_DATA`, `ENCRYPT`, `CASEFOLD`.
    /// The last three only matter to the inodes that use them.
    pub(in crate::ext4) const KNOWN: u32 = 0x2
        | 0x4
        | 0x10
        | 0x40
        | 0x80
        | 0x100
        | 0x200
        | 0x400
        | 0x2000
        | 0x4000
        | 0x8000
        | 0x1_0000
        | 0x2_0000;
}

const COMPAT_SPARSE_SUPER2: u32 = 0x200;
const RO_SPARSE_SUPER: u32 = 0x1;
const RO_BIGALLOC: u32 = 0x200;
const RO_METADATA_CSUM: u32 = 0x400;

/// What the superblock says, proved.
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    pub(super) block_bytes: u64,
    pub(super) blocks: u64,
    pub(super) first_data_block: u64,
    pub(super) blocks_per_group: u64,
    pub(super) inodes: u32,
    pub(super) inodes_per_group: u32,
    pub(super) inode_bytes: usize,
    pub(super) descriptor_bytes: usize,
    pub(super) first_meta_group: u64,
    pub(super) incompat: u32,
    pub(super) journal_inode: u32,
    /// Seed of metadata checksums, where the file system has them.
    pub(super) checksum_seed: Option<u32>,
    compat: u32,
    ro_compat: u32,
    backup_groups: [u32; 2],
}

impl Superblock {
    pub(super) fn read(pages: &Pages) -> Result<Self, FsError> {
        let mut bytes = vec![0; BYTES];
        pages.read(OFFSET, &mut bytes)?;
        Self::parse(&bytes, pages.len_bytes())
    }

    pub(super) fn parse(bytes: &[u8], volume_bytes: u64) -> Result<Self, FsError> {
        let found = Self::fields(bytes).ok_or_else(|| corrupt("the superblock makes no sense"))?;
        let unknown = found.incompat & !incompat::KNOWN;
        if unknown != 0 {
            return Err(unsupported(format!("incompatible features {unknown:#x}")));
        }
        found.check_sum(bytes)?;
        found.check(volume_bytes)?;
        Ok(found)
    }

    /// `None` when a size that others are computed from is not allowed.
    fn fields(bytes: &[u8]) -> Option<Self> {
        if le16(bytes, 0x38)? != 0xef53 {
            return None;
        }
        // [ext4] superblock: 2^(10 + n), at most 64 KiB.
        let block_bytes = 1024_u64
            .checked_shl(le32(bytes, 0x18)?)
            .filter(|_| le32(bytes, 0x18) <= Some(6))?;
        let incompat = le32(bytes, 0x60)?;
        let ro_compat = le32(bytes, 0x64)?;
        let is_wide = incompat & incompat::BITS_64 != 0;
        let high = if is_wide {
            u64::from(le32(bytes, 0x150)?) << 32
        } else {
            0
        };
        let is_old = le32(bytes, 0x4c)? == 0;
        let inode_bytes = if is_old {
            128
        } else {
            usize::from(le16(bytes, 0x58)?)
        };
        let descriptor_bytes = if is_wide {
            usize::from(le16(bytes, 0xfe)?)
        } else {
            32
        };
        let seed = match incompat & incompat::CSUM_SEED {
            0 => crc32c(!0, &array::<16>(bytes, 0x68)?),
            _ => le32(bytes, 0x270)?,
        };
        Some(Self {
            block_bytes,
            blocks: u64::from(le32(bytes, 0x4)?) | high,
            first_data_block: u64::from(le32(bytes, 0x14)?),
            blocks_per_group: u64::from(le32(bytes, 0x20)?),
            inodes: le32(bytes, 0)?,
            inodes_per_group: le32(bytes, 0x28)?,
            inode_bytes,
            descriptor_bytes,
            first_meta_group: u64::from(le32(bytes, 0x104)?),
            incompat,
            journal_inode: le32(bytes, 0xe0)?,
            checksum_seed: (ro_compat & RO_METADATA_CSUM != 0).then_some(seed),
            compat: le32(bytes, 0x5c)?,
            ro_compat,
            backup_groups: [le32(bytes, 0x24c)?, le32(bytes, 0x250)?],
        })
    }

    fn check_sum(&self, bytes: &[u8]) -> Result<(), FsError> {
        if self.checksum_seed.is_none() {
            return Ok(());
        }
        let covered = bytes.get(..0x3fc).unwrap_or_default();
        match le32(bytes, 0x3fc) {
            Some(sum) if sum == crc32c(!0, covered) => Ok(()),
            _ => Err(corrupt("the superblock's checksum is wrong")),
        }
    }

    fn check(&self, volume_bytes: u64) -> Result<(), FsError> {
        let bits = self.block_bytes.saturating_mul(8);
        // A bitmap is one block; with `bigalloc` each of its bits stands for several blocks.
        let is_big = self.ro_compat & RO_BIGALLOC != 0;
        let most_blocks = if is_big { u64::from(u32::MAX) } else { bits };
        let block = usize::try_from(self.block_bytes).unwrap_or(0);
        let power = |bytes: usize, least: usize| {
            bytes.is_power_of_two() && bytes >= least && bytes <= block
        };
        let rules = [
            (self.blocks > self.first_data_block, "it has no blocks"),
            (
                self.first_data_block <= 1,
                "its first data block is neither 0 nor 1",
            ),
            (
                (1..=most_blocks).contains(&self.blocks_per_group),
                "blocks per group out of range",
            ),
            (
                (1..=bits).contains(&u64::from(self.inodes_per_group)),
                "inodes per group out of range",
            ),
            (
                power(self.inode_bytes, 128),
                "the inode size is not allowed",
            ),
            (
                power(self.descriptor_bytes, 32),
                "the group descriptor size is not allowed",
            ),
            (
                self.blocks
                    .checked_mul(self.block_bytes)
                    .is_some_and(|len| len <= volume_bytes),
                "it is longer than its volume",
            ),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(corrupt(rule)),
            None => Ok(()),
        }
    }

    pub(super) fn needs_recovery(&self) -> bool {
        self.incompat & incompat::RECOVER != 0
    }

    /// The byte where `block` starts.
    pub(super) fn offset_of(&self, block: u64) -> Result<u64, FsError> {
        let offset = block
            .checked_mul(self.block_bytes)
            .filter(|_| block < self.blocks);
        offset.ok_or_else(|| corrupt(format!("block {block} is not in the file system")))
    }

    /// Whether `group` starts with a copy of the superblock.
    pub(super) fn has_superblock(&self, group: u64) -> bool {
        let is_power = |base: u64| {
            let mut power = base;
            while power < group {
                power = power.saturating_mul(base);
            }
            power == group
        };
        if self.compat & COMPAT_SPARSE_SUPER2 != 0 {
            return group == 0
                || self
                    .backup_groups
                    .iter()
                    .any(|&copy| u64::from(copy) == group);
        }
        self.ro_compat & RO_SPARSE_SUPER == 0 || group <= 1 || [3, 5, 7].into_iter().any(is_power)
    }
}
