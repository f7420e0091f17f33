//! Little-endian fields of structures that were read whole, and checksums.

pub(super) use crate::field::little::{u16_at, u32_at, u64_at};
pub(super) use crate::field::{array, put, to_u64, to_usize};
use crate::guid::Guid;

/// One mebibyte: what everything in the file is aligned to (\[MS-VHDX\] 2.1).
pub(super) const MIB: u64 = 1 << 20;

pub(super) fn guid_at(bytes: &[u8], at: usize) -> Guid {
    Guid(array(bytes, at))
}

/// The CRC-32C of `bytes`, with the four bytes at `at` taken as zero: where the checksum stands.
pub(super) fn checksum(bytes: &[u8], at: usize) -> u32 {
    let (before, rest) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
    let after = rest.get(4..).unwrap_or_default();
    let crc = crc32c::crc32c(before);
    crc32c::crc32c_append(crc32c::crc32c_append(crc, &[0; 4]), after)
}

/// Text in UTF-16, little-endian, without its end mark; what is no text is replaced.
pub(super) fn utf16(bytes: &[u8]) -> String {
    let (units, _) = bytes.as_chunks();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    String::from_utf16_lossy(&units)
}

/// The same back.
pub(super) fn to_utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
