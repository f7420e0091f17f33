//! Long and short names.

use crate::fields::{array, le16};

/// \[FAT\] 7: a long name has up to 20 pieces of 13 units.
const MAX_PIECES: u8 = 20;

/// The pieces of a long name met so far. They stand last piece first, before their short entry.
#[derive(Default)]
pub(super) struct LongName {
    /// Reversed in pieces: the first 13 units belong to the last piece.
    pieces: Vec<[u16; 13]>,
    checksum: u8,
    /// The number that the next piece must have; 0 when complete.
    expected: u8,
}

impl LongName {
    /// Takes one long-name entry; a piece out of order makes the name void.
    pub(super) fn push(&mut self, entry: &[u8]) {
        if self.try_push(entry).is_none() {
            *self = Self::default();
        }
    }

    fn try_push(&mut self, entry: &[u8]) -> Option<()> {
        let (order, checksum) = (*entry.first()?, *entry.get(13)?);
        let number = order & 0x3f;
        if order & 0x40 != 0 {
            *self = Self {
                pieces: Vec::new(),
                checksum,
                expected: number,
            };
        }
        let fits = number == self.expected && checksum == self.checksum;
        if !fits || number == 0 || number > MAX_PIECES {
            return None;
        }
        let places = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
        let mut piece = [0; 13];
        for (unit, at) in piece.iter_mut().zip(places) {
            *unit = le16(entry, at)?;
        }
        self.pieces.push(piece);
        self.expected = number.checked_sub(1)?;
        Some(())
    }

    /// The name, if it is whole and belongs to the short entry.
    pub(super) fn take(&mut self, short: &[u8]) -> Option<String> {
        let name = std::mem::take(self);
        let whole = name.expected == 0 && !name.pieces.is_empty();
        if !whole || name.checksum != checksum(short) {
            return None;
        }
        let units = name
            .pieces
            .iter()
            .rev()
            .flatten()
            .copied()
            .take_while(|&unit| unit != 0);
        let name: String = char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        Some(name).filter(|name| !name.is_empty())
    }
}

/// \[FAT\] 7.2: over the eleven bytes of the short name.
fn checksum(short: &[u8]) -> u8 {
    let bytes = short.iter().take(11);
    bytes.fold(0_u8, |sum, &byte| sum.rotate_right(1).wrapping_add(byte))
}

/// `NAME.EXT` of a short entry, in the case that Windows NT noted beside it.
pub(super) fn short_name(entry: &[u8]) -> Option<String> {
    let mut raw: [u8; 11] = array(entry, 0)?;
    let case = *entry.get(12)?;
    // [FAT] 6.1: a first byte 0x05 stands for 0xE5, which means deleted.
    if raw.first() == Some(&0x05) {
        *raw.first_mut()? = 0xe5;
    }
    let (base, extension) = raw.split_at_checked(8)?;
    let mut name = part(base, case & 0x08 != 0);
    let extension = part(extension, case & 0x10 != 0);
    if !extension.is_empty() {
        name.push('.');
        name.push_str(&extension);
    }
    Some(name)
}

/// One half of a short name; bytes of unknown code pages are replaced.
fn part(bytes: &[u8], is_lower: bool) -> String {
    let name = String::from_utf8_lossy(bytes);
    let name = name.trim_end_matches(' ');
    if is_lower {
        name.to_ascii_lowercase()
    } else {
        name.to_owned()
    }
}

/// FAT does not tell upper from lower case.
pub(super) fn equal(left: &str, right: &str) -> bool {
    let fold = |text: &str| {
        text.chars()
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    left.eq_ignore_ascii_case(right) || (!left.is_ascii() && fold(left) == fold(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_drop_blanks_and_keep_noted_case() {
        let mut entry = *b"LOADER  EFI\x20\x00012345678901234567";
        let short = |entry: &[u8]| short_name(entry).unwrap();
        assert_eq!(short(&entry[..]), "LOADER.EFI");
        entry[12] = 0x18;
        assert_eq!(short(&entry), "loader.efi");
        entry[8..11].fill(b' ');
        assert_eq!(short(&entry), "loader");
    }

    #[test]
    fn a_long_name_of_another_short_name_is_void() {
        let mut piece = [0xff_u8; 32];
        piece[0] = 0x41;
        piece[13] = checksum(b"A       TXT");
        piece[1..5].copy_from_slice(b"a\0\0\0");
        let mut name = LongName::default();
        name.push(&piece);
        assert_eq!(name.take(b"A       TXT").as_deref(), Some("a"));
        name.push(&piece);
        assert_eq!(name.take(b"B       TXT"), None);
    }
}
