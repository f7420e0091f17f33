//! Fields of structures that were read whole, in both byte orders, and the widths of numbers. Each
//! format's own `field` takes what it needs from here.

pub(crate) mod big;
pub(crate) mod little;

use detente_block::{BlockRead, ReadError};

/// The field of `N` bytes at `at`.
pub(crate) fn array<const N: usize>(structure: &[u8], at: usize) -> [u8; N] {
    let field = structure.get(at..).and_then(|rest| rest.first_chunk());
    *field.expect("the structure was read whole")
}

/// Overwrites the field at `at` of a structure that has room for it.
pub(crate) fn put(structure: &mut [u8], at: usize, field: &[u8]) {
    let place = structure
        .get_mut(at..)
        .and_then(|rest| rest.get_mut(..field.len()));
    place
        .expect("the structure has room for its fields")
        .copy_from_slice(field);
}

/// The `len` bytes at `offset`; the caller has bounded `len`.
pub(crate) fn read_bytes(
    file: &dyn BlockRead,
    offset: u64,
    len: u64,
) -> Result<Vec<u8>, ReadError> {
    let mut bytes = vec![0; to_usize(len)];
    file.read_exact_at(offset, &mut bytes)?;
    Ok(bytes)
}

/// Widens a length.
pub(crate) fn to_u64(len: usize) -> u64 {
    u64::try_from(len).expect("a usize has no more than 64 bits")
}

/// Narrows a length that was bounded.
pub(crate) fn to_usize(len: u64) -> usize {
    usize::try_from(len).expect("what is held in memory was bounded before")
}
