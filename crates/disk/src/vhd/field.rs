//! Big-endian fields, and the checksum over them.

pub(super) use crate::field::big::{u16_at, u32_at, u64_at};
pub(super) use crate::field::{array, put, read_bytes, to_u64, to_usize};

/// \[VHD\] "Checksum": the one's complement of the sum of all bytes, the field itself left out.
pub(super) fn checksum(structure: &[u8], field: usize) -> u32 {
    let sum = |part: &[u8]| {
        part.iter()
            .fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte)))
    };
    !sum(structure).wrapping_sub(sum(&array::<4>(structure, field)))
}
