//! Big-endian numbers in commands and parameter lists; what is not there reads as nothing.

/// The two bytes at `at`.
pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let (_, rest) = bytes.split_at_checked(at)?;
    rest.first_chunk().map(|chunk| u16::from_be_bytes(*chunk))
}

/// The four bytes at `at`.
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let (_, rest) = bytes.split_at_checked(at)?;
    rest.first_chunk().map(|chunk| u32::from_be_bytes(*chunk))
}

/// The eight bytes at `at`.
pub(super) fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    let (_, rest) = bytes.split_at_checked(at)?;
    rest.first_chunk().map(|chunk| u64::from_be_bytes(*chunk))
}
