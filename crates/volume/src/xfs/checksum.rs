//! CRC-32C as XFS uses it: the usual one, over bytes in which the sum itself counts as zero,
//! stored little-endian in a big-endian format.

use crate::fields::le32;

/// Whether the sum at `at` is right for `bytes`.
pub(super) fn is_intact(bytes: &[u8], at: usize) -> bool {
    let Some((before, rest)) = bytes.split_at_checked(at) else {
        return false;
    };
    let sum = crc32c::crc32c_append(crc32c::crc32c(before), &[0; 4]);
    let sum = crc32c::crc32c_append(sum, rest.get(4..).unwrap_or_default());
    le32(rest, 0) == Some(sum)
}
