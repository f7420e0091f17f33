//! One stream: instructions that copy literals, and what is already there.

/// Why bytes are no LZO1X stream, or one that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The stream has no end.
    #[error("the stream ends inside an instruction")]
    CutShort,
    /// More comes out of it than there is room for.
    #[error("more than {room} bytes come out of it")]
    TooLong {
        /// How many bytes there is room for.
        room: usize,
    },
    /// A copy starts before the first byte.
    #[error("a copy from {distance} bytes back, where only {filled} are")]
    Distance {
        /// How far back.
        distance: usize,
        /// How many bytes there are.
        filled: usize,
    },
    /// The end is an instruction with a fixed length.
    #[error("the end of the stream says a length of {len} instead of 3")]
    EndMark {
        /// What it says.
        len: usize,
    },
    /// Something stands behind the end.
    #[error("{bytes} bytes follow the end of the stream")]
    Trailing {
        /// How many.
        bytes: usize,
    },
}

/// Unpacks the stream that all of `packed` is, and says how much of `out` was filled.
///
/// Takes no memory, and time in proportion to the bytes of both.
///
/// # Errors
/// [`Damage`]; `out` holds what came before it.
pub fn unpack(packed: &[u8], out: &mut [u8]) -> Result<usize, Damage> {
    let mut unpacking = Unpacking {
        packed,
        out,
        filled: 0,
    };
    unpacking.run()?;
    match unpacking.packed.len() {
        0 => Ok(unpacking.filled),
        bytes => Err(Damage::Trailing { bytes }),
    }
}

struct Unpacking<'p, 'o> {
    packed: &'p [u8],
    out: &'o mut [u8],
    filled: usize,
}

/// How many literals the last instruction copied, which changes what the next one means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    None,
    Few,
    Many,
}

/// A copy of what is already there.
struct Match {
    distance: usize,
    len: usize,
    /// Literals behind it.
    literals: usize,
}

impl Unpacking<'_, '_> {
    fn run(&mut self) -> Result<(), Damage> {
        let mut before = self.first()?;
        loop {
            let code = self.byte()?;
            if code < 16 && before == Before::None {
                let len = self.len(code, 15)?.saturating_add(3);
                self.literals(len)?;
                before = Before::Many;
                continue;
            }
            let Some(found) = self.instruction(code, before)? else {
                return Ok(());
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
    fn first(&mut self) -> Result<Before, Damage> {
        let first = *self.packed.first().ok_or(Damage::CutShort)?;
        let Some(count) = first.checked_sub(17).filter(|&count| count > 0) else {
            return Ok(Before::None);
        };
        self.byte()?;
        self.literals(usize::from(count))?;
        Ok(if count < 4 { Before::Few } else { Before::Many })
    }

    /// The copy that an instruction means; `None` at the end of the stream.
    fn instruction(&mut self, code: u8, before: Before) -> Result<Option<Match>, Damage> {
        let bits = usize::from(code);
        let (distance, len, literals) = match code {
            0..16 => {
                let (len, base) = match before {
                    Before::None | Before::Few => (2, 1),
                    Before::Many => (3, 2049),
                };
                let distance = usize::from(self.byte()?) << 2 | bits >> 2;
                (distance.saturating_add(base), len, bits & 3)
            }
            16..32 => {
                let len = self.len(code & 7, 7)?.saturating_add(2);
                let word = self.word()?;
                let distance = (bits & 8) << 11 | word >> 2;
                if distance == 0 {
                    return self.end(len);
                }
                (distance.saturating_add(16_384), len, word & 3)
            }
            32..64 => {
                let len = self.len(code & 31, 31)?.saturating_add(2);
                let word = self.word()?;
                ((word >> 2).saturating_add(1), len, word & 3)
            }
            64.. => {
                let len = (bits >> 5).saturating_add(1);
                let distance = usize::from(self.byte()?) << 3 | bits >> 2 & 7;
                (distance.saturating_add(1), len, bits & 3)
            }
        };
        Ok(Some(Match {
            distance,
            len,
            literals,
        }))
    }

    fn end(&self, len: usize) -> Result<Option<Match>, Damage> {
        match len {
            3 => Ok(None),
            len => Err(Damage::EndMark { len }),
        }
    }

    /// A length that stands in the instruction, or goes on behind it if that is zero: 255 for each
    /// zero byte, then the byte that is not.
    fn len(&mut self, inside: u8, base: usize) -> Result<usize, Damage> {
        if inside != 0 {
            return Ok(usize::from(inside));
        }
        let mut len = base;
        loop {
            match self.byte()? {
                0 => len = len.saturating_add(255),
                last => return Ok(len.saturating_add(usize::from(last))),
            }
        }
    }

    fn byte(&mut self) -> Result<u8, Damage> {
        let (&first, rest) = self.packed.split_first().ok_or(Damage::CutShort)?;
        self.packed = rest;
        Ok(first)
    }

    fn word(&mut self) -> Result<usize, Damage> {
        let (word, rest) = self.packed.split_first_chunk().ok_or(Damage::CutShort)?;
        self.packed = rest;
        Ok(usize::from(u16::from_le_bytes(*word)))
    }

    /// Where `len` more bytes end, if there is room.
    fn end_of(&self, len: usize) -> Result<usize, Damage> {
        let room = self.out.len();
        let end = self.filled.saturating_add(len);
        (end <= room).then_some(end).ok_or(Damage::TooLong { room })
    }

    fn literals(&mut self, count: usize) -> Result<(), Damage> {
        let split = self.packed.split_at_checked(count);
        let (now, rest) = split.ok_or(Damage::CutShort)?;
        let end = self.end_of(count)?;
        if let Some(place) = self.out.get_mut(self.filled..end) {
            place.copy_from_slice(now);
        }
        self.packed = rest;
        self.filled = end;
        Ok(())
    }

    fn copy(&mut self, found: &Match) -> Result<(), Damage> {
        let (distance, filled) = (found.distance, self.filled);
        let start = filled.checked_sub(distance);
        let start = start.ok_or(Damage::Distance { distance, filled })?;
        let end = self.end_of(found.len)?;
        // What is copied may be part of the copy: then there is more of it each time.
        while self.filled < end {
            let there = self.filled.saturating_sub(start);
            let len = there.min(end.saturating_sub(self.filled));
            let until = start.saturating_add(len);
            self.out.copy_within(start..until, self.filled);
            self.filled = self.filled.saturating_add(len);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: [u8; 3] = [0x11, 0, 0];

    fn unpacked(packed: &[u8], room: usize) -> Result<Vec<u8>, Damage> {
        let mut out = vec![0; room];
        let filled = unpack(packed, &mut out)?;
        out.truncate(filled);
        Ok(out)
    }

    #[test]
    fn each_instruction_means_what_the_description_says() {
        let check = |packed: &[u8], expect: &[u8]| {
            let packed = [packed, &END].concat();
            assert_eq!(unpacked(&packed, 4096).as_deref(), Ok(expect), "{packed:?}");
        };
        check(b"", b"");
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
    fn copies_from_far_away_count_from_where_the_description_says() {
        // A run of 3 + 15 + 255 n + last literals, numbered.
        let far = |literals: usize, instruction: &[u8]| {
            let bytes: Vec<u8> = (0..251).cycle().take(literals).collect();
            let (zeros, last) = ((literals - 19) / 255, (literals - 19) % 255 + 1);
            let mut packed = vec![0; 1 + zeros];
            packed.push(u8::try_from(last).unwrap());
            packed.extend(&bytes);
            packed.extend(instruction);
            packed.extend(END);
            let all = unpacked(&packed, literals + 64).unwrap();
            assert_eq!(all[..literals], bytes);
            all[literals..].to_vec()
        };
        // 0..15 after many literals: three bytes from 2049 + 4 back.
        assert_eq!(far(2053, &[0x00, 0x01]), [0, 1, 2]);
        // 16..31: three bytes from 16384 + 1 back; the bit of 8 is 16384 more.
        assert_eq!(far(16_385, &[0x11, 0x04, 0x00]), [0, 1, 2]);
        assert_eq!(far(32_769, &[0x19, 0x04, 0x00]), [0, 1, 2]);
    }

    #[test]
    fn what_refers_outside_is_no_lzo() {
        let check = |packed: &[u8], room: usize, expect: Damage| {
            assert_eq!(unpacked(packed, room), Err(expect), "{packed:?}");
        };
        let (distance, filled) = (9, 4);
        let before = Damage::Distance { distance, filled };
        check(b"\x15abcd\x40\x01\x11\0\0", 4096, before);
        check(b"\x15abcd\x11\0\0", 3, Damage::TooLong { room: 3 });
        check(b"\x15abcd\x8d\0!\x11\0\0", 8, Damage::TooLong { room: 8 });
        for packed in [
            &b"\x15abcd"[..],
            b"\x15abc",
            b"\x00\0\0\0\0",
            b"\x11\0",
            b"",
        ] {
            check(packed, 4096, Damage::CutShort);
        }
        check(b"\x15abcd\x12\0\0", 4096, Damage::EndMark { len: 4 });
        check(b"\x11\0\0ab", 4096, Damage::Trailing { bytes: 2 });
    }
}
