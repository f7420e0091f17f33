//! Little-endian numbers.

use super::array;

pub(crate) fn u16_at(structure: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(structure, at))
}

pub(crate) fn u32_at(structure: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(structure, at))
}

pub(crate) fn u64_at(structure: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(structure, at))
}
