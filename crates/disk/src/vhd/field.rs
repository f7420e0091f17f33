//! Big-endian fields, and the checksum over them.

use detente_block::{BlockRead, ReadError};

/// The `N` bytes at `at`; zeroes where the structure is shorter, which its reader has ruled out.
pub(super) fn bytes<const N: usize>(structure: &[u8], at: usize) -> [u8; N] {
    let field = structure.get(at..).and_then(<[u8]>::first_chunk);
    field.copied().unwrap_or([0; N])
}

pub(super) fn u16_at(structure: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(bytes(structure, at))
}

pub(super) fn u32_at(structure: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes(structure, at))
}

pub(super) fn u64_at(structure: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes(structure, at))
}

/// Overwrites the field at `at` of a structure that we make ourselves.
pub(super) fn put(structure: &mut [u8], at: usize, field: &[u8]) {
    let place = structure
        .get_mut(at..)
        .and_then(|rest| rest.get_mut(..field.len()));
    place
        .expect("our own structure has room for its fields")
        .copy_from_slice(field);
}

/// [VHD] "Checksum": the one's complement of the sum of all bytes, the field itself left out.
pub(super) fn checksum(structure: &[u8], field: usize) -> u32 {
    let sum = |part: &[u8]| {
        part.iter()
            .fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte)))
    };
    !sum(structure).wrapping_sub(sum(&bytes::<4>(structure, field)))
}

/// The `len` bytes at `offset`; the caller has bounded `len`.
pub(super) fn read(file: &dyn BlockRead, offset: u64, len: u64) -> Result<Vec<u8>, ReadError> {
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
