//! Little-endian fields of messages, at places that are checked.

/// The byte at a place.
pub(crate) fn u8_at(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

/// The 16-bit field at a place.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The 32-bit field at a place.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The 64-bit field at a place.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Some bytes from a place on.
pub(crate) fn bytes_at(bytes: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    bytes.get(at..)?.get(..len)
}

/// Writes bytes at a place.
///
/// # Panics
/// When they do not fit: the buffer is ours, and so is the place.
pub(crate) fn put(buffer: &mut [u8], at: usize, bytes: &[u8]) {
    buffer
        .get_mut(at..)
        .and_then(|rest| rest.get_mut(..bytes.len()))
        .expect("a message is made as long as its last field")
        .copy_from_slice(bytes);
}
