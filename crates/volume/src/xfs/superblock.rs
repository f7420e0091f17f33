//! The superblock.

use super::checksum::is_intact;
use super::{corrupt, features, unsupported};
use crate::FsError;
use crate::fields::{array, be16, be32, be64, has};
use crate::pages::Pages;

/// `XFS_SB_CRC_OFF`.
const CRC_AT: usize = 224;
/// All that we read of it stands before this byte.
const LEAST_BYTES: usize = 512;

/// What the superblock says, proved.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a feature of the format, and they are independent"
)]
pub(super) struct Superblock {
    pub(super) block_bytes: u64,
    pub(super) sector_bytes: u16,
    pub(super) inode_bytes: u16,
    pub(super) root: u64,
    /// Version 5: checksums, and blocks that say whose they are.
    pub(super) has_checksums: bool,
    /// Directories say what kind each name is.
    pub(super) has_kinds: bool,
    /// Names that differ in the case of ASCII letters alone are the same.
    pub(super) is_case_blind: bool,
    /// The kernel wants `xfs_repair` to be run first.
    pub(super) needs_repair: bool,
    pub(super) uuid: [u8; 16],
    /// The UUID that blocks carry; differs from `uuid` after `xfs_admin -U`.
    pub(super) meta_uuid: [u8; 16],
    /// Bytes of a block of a directory: one or more blocks.
    pub(super) directory_bytes: u64,
    pub(super) log_start: u64,
    pub(super) log_blocks: u32,
    blocks: u64,
    group_blocks: u32,
    groups: u32,
    block_log: u8,
    inodes_per_block_log: u8,
    group_blocks_log: u8,
}

impl Superblock {
    pub(super) fn read(pages: &Pages) -> Result<Self, FsError> {
        let mut head = [0; LEAST_BYTES];
        pages.read(0, &mut head)?;
        let sector = usize::from(be16(&head, 102).unwrap_or(0)).clamp(LEAST_BYTES, 32_768);
        let mut bytes = vec![0; sector];
        pages.read(0, &mut bytes)?;
        let found = Self::parse_replayed(&bytes, pages.len_bytes())?;
        if found.has_checksums && !is_intact(&bytes, CRC_AT) {
            return Err(corrupt("the superblock's checksum is wrong"));
        }
        Ok(found)
    }

    /// As [`Superblock::read`], but the sum may be an older one's.
    pub(super) fn parse_replayed(bytes: &[u8], volume_bytes: u64) -> Result<Self, FsError> {
        if !has(bytes, 0, b"XFSB") {
            return Err(corrupt("the superblock has no magic number"));
        }
        let version = be16(bytes, 100).unwrap_or(0);
        check_version(version, bytes)?;
        let found =
            Self::fields(bytes, version).ok_or_else(|| corrupt("the superblock makes no sense"))?;
        found.check(bytes, volume_bytes)?;
        Ok(found)
    }

    /// `None` when a size that others are computed from is not allowed.
    fn fields(bytes: &[u8], version: u16) -> Option<Self> {
        let byte = |at: usize| bytes.get(at).copied();
        let has_checksums = version & features::VERSION_MASK == 5;
        let incompat = be32(bytes, 216).filter(|_| has_checksums).unwrap_or(0);
        let old = be32(bytes, 200).filter(|_| version & features::VERSION_MORE_BITS != 0);
        let uuid = array(bytes, 32)?;
        let block_log = byte(120).filter(|log| (9..=16).contains(log))?;
        let directory_log = byte(192)?.checked_add(block_log).filter(|log| *log <= 16)?;
        Some(Self {
            block_bytes: 1_u64.checked_shl(block_log.into())?,
            sector_bytes: be16(bytes, 102)?,
            inode_bytes: be16(bytes, 104)?,
            root: be64(bytes, 56)?,
            has_checksums,
            has_kinds: incompat & features::FTYPE != 0
                || (!has_checksums && old.unwrap_or(0) & features::FEATURES2_FTYPE != 0),
            is_case_blind: version & features::VERSION_CASE_BLIND != 0,
            needs_repair: incompat & features::NEEDS_REPAIR != 0,
            uuid,
            meta_uuid: if incompat & features::META_UUID != 0 {
                array(bytes, 248)?
            } else {
                uuid
            },
            directory_bytes: 1_u64.checked_shl(directory_log.into())?,
            log_start: be64(bytes, 48)?,
            log_blocks: be32(bytes, 96)?,
            blocks: be64(bytes, 8)?,
            group_blocks: be32(bytes, 84)?,
            groups: be32(bytes, 88)?,
            block_log,
            inodes_per_block_log: byte(123)?,
            group_blocks_log: byte(124)?,
        })
    }

    /// \[xfs\] superblocks; the kernel's `xfs_validate_sb_common` has the same rules.
    fn check(&self, bytes: &[u8], volume_bytes: u64) -> Result<(), FsError> {
        let log2 = |value: u64| value.checked_ilog2().unwrap_or(0);
        let inode_bytes = u64::from(self.inode_bytes);
        let room = u64::from(self.groups).saturating_mul(self.group_blocks.into());
        let is_power = |value: u64, least: u64, most: u64| {
            value.is_power_of_two() && (least..=most).contains(&value)
        };
        let group_log = u64::from(self.group_blocks).next_power_of_two();
        let rules = [
            (
                be32(bytes, 4).map(u64::from) == Some(self.block_bytes),
                "its block size is said twice, differently",
            ),
            (
                is_power(self.sector_bytes.into(), 512, 32_768),
                "the sector size is not allowed",
            ),
            (
                is_power(inode_bytes, 256, self.block_bytes.min(2048)),
                "the inode size is not allowed",
            ),
            (
                self.block_bytes.checked_div(inode_bytes).map(log2)
                    == Some(self.inodes_per_block_log.into()),
                "inodes per block do not fit the sizes",
            ),
            (
                self.group_blocks > 0 && log2(group_log) == u32::from(self.group_blocks_log),
                "blocks per allocation group do not fit their logarithm",
            ),
            (
                self.blocks > 0 && self.blocks <= room,
                "it has more blocks than its allocation groups",
            ),
            (
                bytes.get(126) == Some(&0),
                "it was never finished (mkfs was interrupted)",
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

    /// The byte where `block` starts: the upper bits of its number say the allocation group.
    /// `count` blocks from there must lie inside.
    pub(super) fn offset_of(&self, block: u64, count: u64) -> Result<u64, FsError> {
        let inside = || {
            let group = block.checked_shr(self.group_blocks_log.into())?;
            let mask = 1_u64.checked_shl(self.group_blocks_log.into())?;
            let within = block.checked_rem(mask)?;
            let group_blocks = u64::from(self.group_blocks);
            let fits = within.checked_add(count)? <= group_blocks && group < self.groups.into();
            let linear = group.checked_mul(group_blocks)?.checked_add(within)?;
            let fits = fits && linear.checked_add(count)? <= self.blocks;
            linear.checked_mul(self.block_bytes).filter(|_| fits)
        };
        inside().ok_or_else(|| corrupt(format!("block {block:#x} is not in the file system")))
    }

    /// The byte where a block of an allocation group starts, if `count` blocks are inside.
    pub(super) fn offset_in_group(&self, group: u32, block: u32, count: u64) -> Option<u64> {
        let shift = u32::from(self.group_blocks_log);
        let first = u64::from(group).checked_shl(shift)?;
        let is_inside = block < self.group_blocks;
        let number = first.checked_add(block.into()).filter(|_| is_inside)?;
        self.offset_of(number, count).ok()
    }

    /// The byte where inode `number` starts.
    pub(super) fn offset_of_inode(&self, number: u64) -> Result<u64, FsError> {
        let shift = u32::from(self.inodes_per_block_log);
        let inside = || {
            let block = number.checked_shr(shift)?;
            let within = number.checked_rem(1_u64.checked_shl(shift)?)?;
            let start = self.offset_of(block, 1).ok()?;
            start.checked_add(within.checked_mul(self.inode_bytes.into())?)
        };
        inside().ok_or_else(|| corrupt(format!("inode {number} is not in the file system")))
    }

    /// From bytes to blocks.
    pub(super) fn block_of(&self, offset: u64) -> u64 {
        offset.checked_shr(self.block_log.into()).unwrap_or(0)
    }
}

/// Versions 4 and 5 alone: before 4 (1994 to 1996) Linux had no XFS.
fn check_version(version: u16, bytes: &[u8]) -> Result<(), FsError> {
    match version & features::VERSION_MASK {
        4 if version & features::VERSION_DIR_V2 == 0 => {
            Err(unsupported("directories of version 1"))
        }
        4 => Ok(()),
        5 => features::check(be32(bytes, 216).unwrap_or(0)),
        other => Err(unsupported(format!("version {other}"))),
    }
}
