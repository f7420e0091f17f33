//! Little-endian fields.

use detente_block::{BlockRead, ReadError};

use super::corrupt;
pub(super) use crate::field::little::{u16_at, u32_at, u64_at};
use crate::field::read_bytes;
pub(super) use crate::field::{array, to_u64, to_usize};

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
    read_bytes(file, offset, len)
}
