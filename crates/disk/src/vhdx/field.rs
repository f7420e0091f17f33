//! Little-endian fields of structures that were read whole, and checksums.

use crate::guid::Guid;

/// One mebibyte: what everything in the file is aligned to (\[MS-VHDX\] 2.1).
pub(super) const MIB: u64 = 1 << 20;

/// The field of `N` bytes at `at`.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let field = bytes.get(at..).and_then(|rest| rest.first_chunk());
    *field.expect("the structure was read whole")
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

pub(super) fn guid_at(bytes: &[u8], at: usize) -> Guid {
    Guid(array(bytes, at))
}

/// Writes `field` at `at`.
pub(super) fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    let rest = bytes.get_mut(at..).expect("the field is inside");
    let (place, _) = rest
        .split_at_mut_checked(field.len())
        .expect("the field is inside");
    place.copy_from_slice(field);
}

/// The CRC-32C of `bytes`, with the four bytes at `at` taken as zero: where the checksum stands.
pub(super) fn checksum(bytes: &[u8], at: usize) -> u32 {
    let (before, rest) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
    let after = rest.get(4..).unwrap_or_default();
    let crc = crc32c::crc32c(before);
    crc32c::crc32c_append(crc32c::crc32c_append(crc, &[0; 4]), after)
}

/// Widens a length.
pub(super) fn to_u64(len: usize) -> u64 {
    u64::try_from(len).expect("a usize has no more than 64 bits")
}

/// Narrows a length that was bounded.
pub(super) fn to_usize(len: u64) -> usize {
    usize::try_from(len).expect("what is held in memory was bounded before")
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
