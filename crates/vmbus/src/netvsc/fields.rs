//! Little-endian fields of bytes that may be too short.

/// The 16-bit field at `at`.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let (_, rest) = bytes.split_at_checked(at)?;
    rest.first_chunk().map(|chunk| u16::from_le_bytes(*chunk))
}

/// The 32-bit field at `at`.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let (_, rest) = bytes.split_at_checked(at)?;
    rest.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

/// So many bytes at an offset from `base`, both as the guest gave them.
pub(super) fn span(bytes: &[u8], base: usize, offset: u32, len: u32) -> Option<&[u8]> {
    let start = base.checked_add(usize::try_from(offset).ok()?)?;
    let end = start.checked_add(usize::try_from(len).ok()?)?;
    bytes.get(start..end)
}

/// 32-bit words, one behind the other.
pub(super) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
