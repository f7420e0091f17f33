//! Fields at fixed places of on-disk structures. `None` always means: the bytes end before it.

use std::fmt::Write as _;

use detente_block::{BlockRead, ReadError};

/// `N` bytes at `at`.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

pub(crate) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

pub(crate) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

pub(crate) fn le64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

pub(crate) fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_be_bytes)
}

/// Whether `magic` stands at `at`.
pub(crate) fn has(bytes: &[u8], at: usize, magic: &[u8]) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(magic))
}

/// Text that ends at the first NUL, without trailing blanks.
pub(crate) fn text(bytes: &[u8], at: usize, len: usize) -> Option<String> {
    let field = bytes.get(at..at.checked_add(len)?)?;
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(len);
    let field = field.get(..end)?;
    Some(String::from_utf8_lossy(field).trim_end().to_owned())
}

/// Sixteen bytes in the order in which they stand: `8-4-4-4-12`, lower case.
pub(crate) fn uuid(bytes: &[u8], at: usize) -> Option<String> {
    let uuid: [u8; 16] = array(bytes, at)?;
    let mut out = String::with_capacity(36);
    for (index, byte) in uuid.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        let _ = write!(out, "{byte:02x}");
    }
    Some(out)
}

/// A Microsoft GUID: its first three fields are little-endian. \[UEFI\] appendix A.
pub(crate) fn guid(bytes: &[u8], at: usize) -> Option<String> {
    let mut guid: [u8; 16] = array(bytes, at)?;
    let (first, rest) = guid.split_at_mut(4);
    let (second, rest) = rest.split_at_mut(2);
    let (third, _) = rest.split_at_mut(2);
    first.reverse();
    second.reverse();
    third.reverse();
    uuid(&guid, 0)
}

/// Reads `len` bytes at `offset`; `None` when they are not all there.
pub(crate) fn read_if_inside(
    source: &dyn BlockRead,
    offset: u64,
    len: usize,
) -> Result<Option<Vec<u8>>, ReadError> {
    let wanted = u64::try_from(len).unwrap_or(u64::MAX);
    if offset
        .checked_add(wanted)
        .is_none_or(|end| end > source.len_bytes())
    {
        return Ok(None);
    }
    let mut bytes = vec![0; len];
    source.read_exact_at(offset, &mut bytes)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_swaps_its_first_three_fields_only() {
        // [UEFI] 5.3.3: the EFI system partition's type as it stands on disk.
        let disk = [
            0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e,
            0xc9, 0x3b,
        ];
        assert_eq!(
            guid(&disk, 0).as_deref(),
            Some("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
        );
        assert_eq!(guid(&disk, 1), None);
    }

    #[test]
    fn text_ends_at_nul_and_drops_blanks() {
        assert_eq!(text(b"ROOT  \0xx", 0, 9).as_deref(), Some("ROOT"));
        assert_eq!(text(b"ROOT", 0, 5), None);
    }
}
