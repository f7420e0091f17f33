//! The four kinds of checksums. Each stands in the first 32 bytes of the block that it covers.

use blake2::Blake2b256;
use blake2::digest::Digest as _;
use sha2::Sha256;
use twox_hash::XxHash64;

/// Where the covered bytes of a block start.
const COVERED_FROM: usize = 32;

/// What blocks are summed with. \[btrfs\] checksum algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checksum {
    Crc32c,
    XxHash64,
    Sha256,
    Blake2b,
}

impl Checksum {
    /// `None` for a number that stands for none that is known.
    pub(super) fn from_number(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::Crc32c),
            1 => Some(Self::XxHash64),
            2 => Some(Self::Sha256),
            3 => Some(Self::Blake2b),
            _ => None,
        }
    }

    /// Whether the sum at the start of `block` is that of the rest.
    pub(super) fn holds(self, block: &[u8]) -> bool {
        let Some((sum, covered)) = block.split_at_checked(COVERED_FROM) else {
            return false;
        };
        match self {
            Self::Crc32c => sum.starts_with(&crc32c::crc32c(covered).to_le_bytes()),
            Self::XxHash64 => sum.starts_with(&XxHash64::oneshot(0, covered).to_le_bytes()),
            Self::Sha256 => Sha256::digest(covered).as_slice() == sum,
            Self::Blake2b => Blake2b256::digest(covered).as_slice() == sum,
        }
    }
}

/// The hash of a name in a directory: CRC-32C from the seed ~1, not inverted at the end.
pub(super) fn name_hash(name: &[u8]) -> u64 {
    u64::from(!crc32c::crc32c_append(1, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_every_file_system_has() {
        // [btrfs] every root tree has the item (6 DIR_ITEM 2378154706), whose name is "default".
        assert_eq!(name_hash(b"default"), 2_378_154_706);
    }
}
