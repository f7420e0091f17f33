//! Little-endian fields.

use detente_block::{BlockRead, ReadError};

use super::corrupt;

/// The `N` bytes at `at`; zeroes where the structure is shorter, which its reader has ruled out.
pub(super) fn bytes<const N: usize>(structure: &[u8], at: usize) -> [u8; N] {
    let field = structure.get(at..).and_then(<[u8]>::first_chunk);
    field.copied().unwrap_or([0; N])
}

pub(super) fn u16_at(structure: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes(structure, at))
}

pub(super) fn u32_at(structure: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes(structure, at))
}

pub(super) fn u64_at(structure: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes(structure, at))
}

/// The structure of `len` bytes at `offset`, which has a name for the error when the file is too
/// short. The caller has bounded `len`.
pub(super) fn read(
    file: &dyn BlockRead,
    offset: u64,
    len: u64,
    name: &str,
) -> Result<Vec<u8>, ReadError> {
    let end = offset.checked_add(len);
    if end.is_none_or(|end| end > file.len_bytes()) {
        let rule = format!(
            "the {name} goes past the end of the file at {:#x}",
            file.len_bytes()
        );
        return Err(corrupt(offset, rule));
    }
    let mut bytes = vec![0; to_usize(len)];
    file.read_exact_at(offset, &mut bytes)?;
    Ok(bytes)
}

/// Narrows a length that was bounded.
pub(super) fn to_usize(len: u64) -> usize {
    usize::try_from(len).expect("what is held in memory was bounded before")
}

/// Widens a length.
pub(super) fn to_u64(len: usize) -> u64 {
    u64::try_from(len).expect("a usize has no more than 64 bits")
}
