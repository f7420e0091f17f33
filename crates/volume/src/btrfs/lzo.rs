//! LZO1X as btrfs uses it. \[lzo\] `Documentation/staging/lzo.rst` of Linux has the instructions.
//!
//! An extent starts with its packed length; then each sector of content stands for itself, behind
//! its own packed length. Such a length never crosses a sector's border.

use crate::fields::{le16, le32};

/// How long a length field is.
const LEN_BYTES: usize = 4;

/// Unpacks a whole extent; says how much of `out` was filled. `None`: it is not LZO.
pub(super) fn unpack(packed: &[u8], sector_bytes: u64, out: &mut [u8]) -> Option<usize> {
    let sector = usize::try_from(sector_bytes).ok()?;
    let end = usize::try_from(le32(packed, 0)?).ok()?;
    let packed = packed.get(..end)?;
    let (mut at, mut filled) = (LEN_BYTES, 0_usize);
    while at < end && filled < out.len() {
        let left = sector.checked_sub(at.checked_rem(sector)?)?;
        if left < LEN_BYTES {
            at = at.checked_add(left)?;
        }
        let len = usize::try_from(le32(packed, at)?).ok()?;
        at = at.checked_add(LEN_BYTES)?;
        let piece = packed.get(at..at.checked_add(len)?)?;
        at = at.checked_add(len)?;
        let room = out.get_mut(filled..)?;
        let most = room.len().min(sector);
        let mut piece = Piece {
            packed: piece,
            out: room.get_mut(..most)?,
            filled: 0,
        };
        piece.unpack()?;
        filled = filled.checked_add(piece.filled)?;
    }
    Some(filled)
}

/// One sector being unpacked.
struct Piece<'p> {
    packed: &'p [u8],
    out: &'p mut [u8],
    filled: usize,
}

/// How many literals the last instruction copied, which changes what the next one means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    None,
    Few,
    Many,
}

/// A copy of what was already unpacked.
struct Match {
    distance: usize,
    len: usize,
    /// Literals behind it.
    literals: usize,
}

impl Piece<'_> {
    fn unpack(&mut self) -> Option<()> {
        let mut before = self.first()?;
        loop {
            let code = self.byte()?;
            if code < 16 && before == Before::None {
                let len = self.len(code, 15)?.checked_add(3)?;
                self.literals(len)?;
                before = Before::Many;
                continue;
            }
            let Some(found) = self.instruction(code, before)? else {
                return Some(());
            };
            self.copy(&found)?;
            self.literals(found.literals)?;
            before = match found.literals {
                0 => Before::None,
                _ => Before::Few,
            };
        }
    }

    /// The first byte may be a count of literals.
    fn first(&mut self) -> Option<Before> {
        let first = *self.packed.first()?;
        let Some(count) = first.checked_sub(17).filter(|&count| count > 0) else {
            return Some(Before::None);
        };
        self.byte()?;
        self.literals(usize::from(count))?;
        Some(if count < 4 { Before::Few } else { Before::Many })
    }

    /// The copy that an instruction means; `None` inside at the end of the stream.
    fn instruction(&mut self, code: u8, before: Before) -> Option<Option<Match>> {
        let bits = usize::from(code);
        let found = match code {
            0..16 => {
                let (len, base) = match before {
                    Before::None | Before::Few => (2, 1),
                    Before::Many => (3, 2049),
                };
                let distance = usize::from(self.byte()?) << 2 | bits >> 2;
                (distance.checked_add(base)?, len, bits & 3)
            }
            16..32 => {
                let len = self.len(code & 7, 7)?.checked_add(2)?;
                let word = usize::from(self.word()?);
                let distance = (bits & 8) << 11 | word >> 2;
                if distance == 0 {
                    return Some(None);
                }
                (distance.checked_add(16_384)?, len, word & 3)
            }
            32..64 => {
                let len = self.len(code & 31, 31)?.checked_add(2)?;
                let word = usize::from(self.word()?);
                ((word >> 2).checked_add(1)?, len, word & 3)
            }
            64.. => {
                let len = (bits >> 5).checked_add(1)?;
                let distance = usize::from(self.byte()?) << 3 | bits >> 2 & 7;
                (distance.checked_add(1)?, len, bits & 3)
            }
        };
        let (distance, len, literals) = found;
        Some(Some(Match {
            distance,
            len,
            literals,
        }))
    }

    /// A length that stands in the instruction, or goes on behind it if that is zero: 255 for each
    /// zero byte, then the byte that is not.
    fn len(&mut self, inside: u8, base: usize) -> Option<usize> {
        if inside != 0 {
            return Some(usize::from(inside));
        }
        let mut len = base;
        loop {
            match self.byte()? {
                0 => len = len.checked_add(255)?,
                last => return len.checked_add(usize::from(last)),
            }
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.packed.split_first()?;
        self.packed = rest;
        Some(first)
    }

    fn word(&mut self) -> Option<u16> {
        let word = le16(self.packed, 0)?;
        self.packed = self.packed.get(2..)?;
        Some(word)
    }

    fn literals(&mut self, count: usize) -> Option<()> {
        let (now, rest) = self.packed.split_at_checked(count)?;
        let end = self.filled.checked_add(count)?;
        self.out.get_mut(self.filled..end)?.copy_from_slice(now);
        self.packed = rest;
        self.filled = end;
        Some(())
    }

    /// Byte by byte: what is copied may be part of the copy.
    fn copy(&mut self, found: &Match) -> Option<()> {
        let start = self.filled.checked_sub(found.distance)?;
        let end = self.filled.checked_add(found.len)?;
        self.out.get(..end)?;
        for (from, to) in (start..).zip(self.filled..end) {
            let byte = *self.out.get(from)?;
            *self.out.get_mut(to)? = byte;
        }
        self.filled = end;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(packed: &[u8], most: usize) -> Option<Vec<u8>> {
        let mut out = vec![0; most];
        let mut piece = Piece {
            packed,
            out: &mut out,
            filled: 0,
        };
        piece.unpack()?;
        let filled = piece.filled;
        out.truncate(filled);
        Some(out)
    }

    #[test]
    fn each_instruction_means_what_the_description_says() {
        let end = [0x11, 0, 0];
        let check = |packed: &[u8], expect: &[u8]| {
            let packed = [packed, &end].concat();
            assert_eq!(piece(&packed, 4096).as_deref(), Some(expect), "{packed:?}");
        };
        // 22: five literals. 17 + 1: one, and the next is a copy of two.
        check(b"\x16abcde", b"abcde");
        // 0: a long run of 3 + 15 + 1.
        check(b"\x00\x01ABCDEFGHIJKLMNOPQRS", b"ABCDEFGHIJKLMNOPQRS");
        // 64..127: three bytes from distance 1, which copies itself.
        check(b"\x15aaab\x40\x00", b"aaabbbb");
        // 128..: five bytes from distance 4, then one literal.
        check(b"\x15abcd\x8d\x00!", b"abcdabcda!");
        // 32..63: 2 + 31 + 2 bytes from distance 2.
        check(b"\x13ab\x20\x02\x04\x00", &b"ab".repeat(19)[..37]);
        // 0..15 after one to three literals: two bytes from distance 2.
        check(b"\x13xy\x04\x00", b"xyxy");
    }

    #[test]
    fn what_refers_outside_is_no_lzo() {
        assert_eq!(piece(b"\x15abcd\x40\x01\x11\0\0", 4096), None);
        assert_eq!(piece(b"\x15abcd\x11\0\0", 3), None);
        assert_eq!(piece(b"\x15abcd", 4096), None);
        assert_eq!(piece(b"\x00\0\0\0\0", 4096), None);
        assert_eq!(piece(b"", 4096), None);
    }
}
