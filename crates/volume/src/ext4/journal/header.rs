//! The journal's superblock, and the header that starts each of its own blocks.

use super::super::checksum::crc32c;
use super::super::{corrupt, unsupported};
use crate::FsError;
use crate::fields::{array, be32};

/// \[jbd2\] block header: starts every block that is not a copy.
pub(super) const MAGIC: u32 = 0xc03b_3998;

/// Incompatible features of a journal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Features(u32);

impl Features {
    const BITS_64: u32 = 0x2;
    const CSUM_V2: u32 = 0x8;
    const CSUM_V3: u32 = 0x10;
    const FAST_COMMIT: u32 = 0x20;
    /// Those and `REVOKE`, `ASYNC_COMMIT`.
    const KNOWN: u32 = 0x3f;

    pub(super) fn is_64_bit(self) -> bool {
        self.0 & Self::BITS_64 != 0
    }

    pub(super) fn is_v2(self) -> bool {
        self.0 & Self::CSUM_V2 != 0
    }

    pub(super) fn is_v3(self) -> bool {
        self.0 & Self::CSUM_V3 != 0
    }

    pub(super) fn has_checksums(self) -> bool {
        self.is_v2() || self.is_v3()
    }
}

/// What the journal's superblock says.
pub(super) struct Header {
    /// Blocks of the ring and what stands before it.
    pub(super) blocks: u32,
    first: u32,
    /// The transaction that stands at `start`.
    pub(super) sequence: u32,
    /// Where the log starts; 0 when it is empty.
    pub(super) start: u32,
    pub(super) features: Features,
    seed: u32,
}

impl Header {
    pub(super) fn parse(bytes: &[u8], block_bytes: u64) -> Result<Self, FsError> {
        let found = Self::fields(bytes).ok_or_else(|| corrupt("the journal is cut off"))?;
        let kind = be32(bytes, 4);
        // Version 1 has neither features nor checksums.
        if be32(bytes, 0) != Some(MAGIC) || !matches!(kind, Some(3 | 4)) {
            return Err(corrupt("the journal has no superblock"));
        }
        if be32(bytes, 12).map(u64::from) != Some(block_bytes) {
            return Err(corrupt("the journal's blocks have another size"));
        }
        let unknown = found.features.0 & !Features::KNOWN;
        if unknown != 0 {
            return Err(unsupported(format!("journal features {unknown:#x}")));
        }
        if found.features.has_checksums() && !is_intact(bytes, !0, 0xfc) {
            return Err(corrupt("the checksum of the journal's superblock is wrong"));
        }
        let in_ring = |block: u32| block >= found.first && block < found.blocks;
        if found.first == 0 || !in_ring(found.first) || (found.start != 0 && !in_ring(found.start))
        {
            return Err(corrupt("the journal starts outside itself"));
        }
        Ok(found)
    }

    fn fields(bytes: &[u8]) -> Option<Self> {
        let features = if be32(bytes, 4)? == 4 {
            Features(be32(bytes, 40)?)
        } else {
            Features(0)
        };
        let fast = match (features.0 & Features::FAST_COMMIT, be32(bytes, 84)?) {
            (0, _) => 0,
            // [jbd2] `JBD2_DEFAULT_FAST_COMMIT_BLOCKS`.
            (_, 0) => 256,
            (_, count) => count,
        };
        Some(Self {
            blocks: be32(bytes, 16)?.saturating_sub(fast),
            first: be32(bytes, 20)?,
            sequence: be32(bytes, 24)?,
            start: be32(bytes, 28)?,
            features,
            seed: crc32c(!0, &array::<16>(bytes, 48)?),
        })
    }

    /// The block after `block` in the ring.
    pub(super) fn after(&self, block: u32) -> u32 {
        let next = block.saturating_add(1);
        if next >= self.blocks {
            self.first
        } else {
            next
        }
    }
}

/// What a block of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Descriptor,
    Commit,
    Revoke,
}

/// The header of a block of the log.
pub(super) struct Block {
    pub(super) kind: Kind,
}

impl Block {
    /// `None` where the log ends: no header, another transaction, or torn.
    pub(super) fn parse(bytes: &[u8], sequence: u32, header: &Header) -> Option<Self> {
        if be32(bytes, 0)? != MAGIC || be32(bytes, 8)? != sequence {
            return None;
        }
        let tail = bytes.len().checked_sub(4)?;
        let (kind, sum_at) = match be32(bytes, 4)? {
            1 => (Kind::Descriptor, tail),
            2 => (Kind::Commit, 16),
            5 => (Kind::Revoke, tail),
            _ => return None,
        };
        let is_whole = !header.features.has_checksums() || is_intact(bytes, header.seed, sum_at);
        is_whole.then_some(Self { kind })
    }
}

/// Whether the sum at `at` is right for the block (the superblock: its first 1024 bytes), in
/// which the sum itself counts as zero.
fn is_intact(bytes: &[u8], seed: u32, at: usize) -> bool {
    let bytes = if at == 0xfc {
        bytes.get(..1024).unwrap_or_default()
    } else {
        bytes
    };
    let (before, rest) = bytes.split_at_checked(at).unwrap_or_default();
    let sum = crc32c(crc32c(seed, before), &[0; 4]);
    be32(rest, 0) == Some(crc32c(sum, rest.get(4..).unwrap_or_default()))
}
