//! What the items of a transaction are, by their descriptions. Those are in the byte order of the
//! machine that wrote them: little-endian.

use crate::fields::{array, be32, le16, le32};

/// \[xfs\] `XFS_LI_INODE`, `XFS_LI_BUF`, `XFS_LI_ICREATE`.
const INODE: u16 = 0x123b;
const BUFFER: u16 = 0x123c;
const CREATE: u16 = 0x123f;
/// Buffers have 64 KiB at most: 16 words of 32 pieces of 128 bytes, some kernels write one more.
const MAX_WORDS: usize = 32;
/// Flags of buffers: what follows is of inodes, is not to be replayed, is of quotas.
const FLAG_INODES: u16 = 0x1;
const FLAG_CANCEL: u16 = 0x2;
const FLAG_QUOTAS: u16 = 0x4 | 0x8 | 0x10;
/// Types in the upper bits of the flags (`xfs_blft`), and those that no file is read through:
/// quotas, headers and free lists of allocation groups, free space in directories, attributes,
/// realtime.
const TYPE_SHIFT: u16 = 11;
const TYPE_BTREE: u16 = 4;
const TYPES_UNUSED: [u16; 11] = [1, 2, 3, 5, 6, 7, 12, 16, 17, 19, 20];

/// A span of sectors: where it starts, and how many there are.
pub(super) type Place = (u64, u64);

/// The description of a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Buffer {
    pub(super) place: Place,
    /// A node or leaf of some B+tree: only those of extents are needed.
    pub(super) is_btree: bool,
    /// Which pieces of 128 bytes follow, a bit for each.
    pub(super) map: Vec<u32>,
}

impl Buffer {
    /// Whether piece `bit` follows.
    pub(super) fn is_changed(&self, bit: usize) -> bool {
        let shift = u32::try_from(bit % 32).unwrap_or(0);
        let word = self.map.get(bit / 32).copied().unwrap_or(0);
        word >> shift & 1 == 1
    }
}

/// The description of an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InodeChange {
    pub(super) fields: u32,
    /// The buffer that it stands in, and the byte in it.
    pub(super) place: Place,
    pub(super) within: u32,
}

/// Where inodes are made, from version 5 on: they start empty, and nothing else is logged of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Creation {
    pub(super) group: u32,
    /// A block of the group.
    pub(super) block: u32,
    pub(super) blocks: u32,
    pub(super) inodes: u32,
    pub(super) inode_bytes: u32,
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Buffer(Box<Buffer>),
    Creation(Creation),
    /// From here on earlier changes of this buffer do not count: it became something else.
    Cancel(Place),
    Inode(InodeChange),
    /// Nothing that a reader of files needs.
    Other,
}

impl Kind {
    pub(super) fn parse(description: &[u8]) -> Self {
        let found = match le16(description, 0) {
            Some(BUFFER) => buffer(description),
            Some(INODE) => inode(description),
            Some(CREATE) => creation(description),
            _ => None,
        };
        found.unwrap_or(Self::Other)
    }
}

fn buffer(bytes: &[u8]) -> Option<Kind> {
    let flags = le16(bytes, 4)?;
    let place = (
        u64::from_le_bytes(array(bytes, 8)?),
        u64::from(le16(bytes, 6)?),
    );
    if flags & FLAG_CANCEL != 0 {
        return Some(Kind::Cancel(place));
    }
    let kind = flags >> TYPE_SHIFT;
    // Of buffers of inodes only the lists of unlinked ones count.
    if flags & (FLAG_INODES | FLAG_QUOTAS) != 0 || TYPES_UNUSED.contains(&kind) {
        return Some(Kind::Other);
    }
    let words = usize::try_from(le32(bytes, 16)?).ok()?.min(MAX_WORDS);
    let map = bytes.get(20..)?.as_chunks::<4>().0.iter().take(words);
    Some(Kind::Buffer(Box::new(Buffer {
        place,
        is_btree: kind == TYPE_BTREE,
        map: map.map(|word| u32::from_le_bytes(*word)).collect(),
    })))
}

/// \[xfs\] `xfs_inode_log_format`: 32-bit machines wrote it without filling.
fn inode(bytes: &[u8]) -> Option<Kind> {
    let (place_at, len_at, within_at) = match bytes.len() {
        52 => (36, 44, 48),
        _ => (40, 48, 52),
    };
    let sectors = le32(bytes, len_at)?;
    Some(Kind::Inode(InodeChange {
        fields: le32(bytes, 4)?,
        place: (
            u64::from_le_bytes(array(bytes, place_at)?),
            u64::from(sectors),
        ),
        within: le32(bytes, within_at)?,
    }))
}

/// \[xfs\] `xfs_icreate_log`: big-endian behind type and size.
fn creation(bytes: &[u8]) -> Option<Kind> {
    Some(Kind::Creation(Creation {
        group: be32(bytes, 4)?,
        block: be32(bytes, 8)?,
        inodes: be32(bytes, 12)?,
        inode_bytes: be32(bytes, 16)?,
        blocks: be32(bytes, 20)?,
    }))
}
