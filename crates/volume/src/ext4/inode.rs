//! Inodes.

use super::checksum::crc32c;
use super::superblock::Superblock;
use super::{Ext4, corrupt};
use crate::fields::{array, le16, le32};
use crate::{FileKind, FsError, Metadata};

/// Inode flags that change how data is read.
const FLAG_ENCRYPTED: u32 = 0x800;
const FLAG_INDEX: u32 = 0x1000;
const FLAG_EXTENTS: u32 = 0x8_0000;
const FLAG_INLINE_DATA: u32 = 0x1000_0000;

/// What an inode says.
#[derive(Debug, Clone)]
pub(crate) struct Inode {
    pub(super) number: u32,
    pub(super) mode: u16,
    pub(super) len: u64,
    pub(super) modified_s: i64,
    /// The map of blocks, or a short link's target.
    pub(super) map: [u8; 60],
    pub(super) generation: u32,
    flags: u32,
}

impl Inode {
    pub(super) fn kind(&self) -> FileKind {
        match self.mode & 0xf000 {
            0x8000 => FileKind::File,
            0x4000 => FileKind::Directory,
            0xa000 => FileKind::Symlink,
            _ => FileKind::Special,
        }
    }

    pub(super) fn metadata(&self) -> Metadata {
        let Self {
            len, modified_s, ..
        } = *self;
        Metadata {
            kind: self.kind(),
            len,
            mode: self.mode & 0o7777,
            modified_s,
        }
    }

    pub(super) fn has_extents(&self) -> bool {
        self.flags & FLAG_EXTENTS != 0
    }

    /// Whether it is a directory with an index.
    pub(super) fn has_index(&self) -> bool {
        self.flags & FLAG_INDEX != 0
    }

    /// What keeps us from reading the data, if anything.
    pub(super) fn obstacle(&self) -> Option<&'static str> {
        if self.flags & FLAG_ENCRYPTED != 0 {
            return Some("an encrypted file");
        }
        (self.flags & FLAG_INLINE_DATA != 0).then_some("a file with its data in the inode")
    }

    fn parse(number: u32, bytes: &[u8]) -> Option<Self> {
        let mode = le16(bytes, 0)?;
        // [ext4] inodes: the upper half of the length is another field in old special files.
        let has_high = matches!(mode & 0xf000, 0x8000 | 0x4000);
        let high = if has_high {
            u64::from(le32(bytes, 0x6c)?) << 32
        } else {
            0
        };
        let extra_len = le16(bytes, 0x80).unwrap_or(0);
        let extra = le32(bytes, 0x88).filter(|_| extra_len >= 0xc).unwrap_or(0);
        // Seconds are signed; two more bits count periods of 2^32 seconds.
        let seconds = i32::from_le_bytes(array(bytes, 0x10)?);
        Some(Self {
            number,
            mode,
            len: u64::from(le32(bytes, 4)?) | high,
            modified_s: i64::from(seconds).wrapping_add(i64::from(extra & 3) << 32),
            map: array(bytes, 0x28)?,
            generation: le32(bytes, 0x64)?,
            flags: le32(bytes, 0x20)?,
        })
    }
}

impl Ext4 {
    /// Reads inode `number`.
    pub(super) fn inode(&self, number: u32) -> Result<Inode, FsError> {
        let superblock = &self.superblock;
        let bad = || corrupt(format!("there is no inode {number}"));
        let index = number
            .checked_sub(1)
            .filter(|_| number <= superblock.inodes)
            .ok_or_else(bad)?;
        let group = index
            .checked_div(superblock.inodes_per_group)
            .ok_or_else(bad)?;
        let within = index
            .checked_rem(superblock.inodes_per_group)
            .ok_or_else(bad)?;
        let table = superblock.offset_of(self.inode_table(group)?)?;
        let size = u64::try_from(superblock.inode_bytes).map_err(|_| bad())?;
        let offset = u64::from(within)
            .checked_mul(size)
            .and_then(|skip| table.checked_add(skip));
        let mut bytes = vec![0; superblock.inode_bytes];
        self.read(offset.ok_or_else(bad)?, &mut bytes)?;
        let inode = Inode::parse(number, &bytes).ok_or_else(bad)?;
        if !is_intact(superblock, &inode, &bytes) {
            return Err(corrupt(format!("the checksum of inode {number} is wrong")));
        }
        Ok(inode)
    }

    /// The seed of checksums over an inode's own blocks.
    pub(super) fn inode_seed(&self, inode: &Inode) -> Option<u32> {
        self.superblock
            .checksum_seed
            .map(|seed| inode_seed(seed, inode))
    }
}

fn inode_seed(seed: u32, inode: &Inode) -> u32 {
    crc32c(
        crc32c(seed, &inode.number.to_le_bytes()),
        &inode.generation.to_le_bytes(),
    )
}

/// The two halves of the checksum count as zero; the upper one exists in large inodes only.
fn is_intact(superblock: &Superblock, inode: &Inode, bytes: &[u8]) -> bool {
    let Some(seed) = superblock.checksum_seed else {
        return true;
    };
    let has_high = le16(bytes, 0x80).is_some_and(|extra| extra >= 4);
    let mut covered = bytes.to_vec();
    let mut blank = |at: usize| {
        let end = at.saturating_add(2);
        covered.get_mut(at..end).unwrap_or_default().fill(0);
    };
    blank(0x7c);
    if has_high {
        blank(0x82);
    }
    let sum = crc32c(inode_seed(seed, inode), &covered);
    let low = le16(bytes, 0x7c).map(u32::from) == Some(sum & 0xffff);
    low && (!has_high || le16(bytes, 0x82).map(u32::from) == Some(sum >> 16))
}
