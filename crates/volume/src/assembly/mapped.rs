//! A block device whose bytes lie on others.

use std::sync::Arc;

use detente_block::{BlockRead, Extent, ExtentKind, ReadError};

/// Bytes of another device from an offset on.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) source: Arc<dyn BlockRead>,
    pub(crate) offset: u64,
}

/// How a piece lies.
pub(crate) enum Lay {
    /// In one stretch.
    Linear(Part),
    /// In turn on each part, `stripe` bytes at a time.
    Striped { stripe: u64, parts: Vec<Part> },
    /// It reads as zeros.
    Zero,
}

/// A piece of the device.
struct Piece {
    start: u64,
    len: u64,
    lay: Lay,
}

/// A device made of pieces, one after another. Whatever they lie on was checked when they were
/// added: each piece is inside its sources.
#[derive(Default)]
pub(crate) struct Mapped {
    pieces: Vec<Piece>,
    len: u64,
}

impl Mapped {
    /// Appends a piece of `len` bytes; an error names the rule that it breaks.
    pub(crate) fn push(&mut self, len: u64, lay: Lay) -> Result<(), &'static str> {
        let end = self.len.checked_add(len).filter(|_| len > 0);
        let end = end.ok_or("its size is impossible")?;
        let (parts, each) = match &lay {
            Lay::Zero => (&[][..], 0),
            Lay::Linear(part) => (std::slice::from_ref(part), len),
            Lay::Striped { stripe, parts } => {
                let count = u64::try_from(parts.len()).unwrap_or(u64::MAX);
                let round = stripe.checked_mul(count).filter(|&round| round > 0);
                let round = round.ok_or("its stripes have an impossible size")?;
                if len.checked_rem(round) != Some(0) {
                    return Err("its size is no multiple of its stripes");
                }
                (parts.as_slice(), len.checked_div(count).unwrap_or(0))
            }
        };
        let inside = |part: &Part| {
            let end = part.offset.checked_add(each);
            end.is_some_and(|end| end <= part.source.len_bytes())
        };
        if !parts.iter().all(inside) {
            return Err("it goes past what it lies on");
        }
        let start = self.len;
        self.pieces.push(Piece { start, len, lay });
        self.len = end;
        Ok(())
    }

    /// Where `offset` is, and how far it goes on in one stretch; no part where it reads as zeros.
    fn find(&self, offset: u64) -> Option<(Option<(&Part, u64)>, u64)> {
        let after = self.pieces.partition_point(|piece| piece.start <= offset);
        let piece = self.pieces.get(after.checked_sub(1)?)?;
        let within = offset.checked_sub(piece.start)?;
        let rest = piece.len.checked_sub(within).filter(|&rest| rest > 0)?;
        match &piece.lay {
            Lay::Zero => Some((None, rest)),
            Lay::Linear(part) => Some((Some((part, within)), rest)),
            Lay::Striped { stripe, parts } => {
                let number = within.checked_div(*stripe)?;
                let within = within.checked_rem(*stripe)?;
                let count = u64::try_from(parts.len()).ok()?;
                let turn = usize::try_from(number.checked_rem(count)?).ok()?;
                let row = number.checked_div(count)?.checked_mul(*stripe)?;
                let part = parts.get(turn)?;
                let stretch = stripe.checked_sub(within)?;
                Some((Some((part, row.checked_add(within)?)), stretch))
            }
        }
    }

    fn past(&self, offset: u64, wanted: u64) -> ReadError {
        ReadError::PastEnd {
            offset,
            wanted,
            end: self.len,
        }
    }
}

impl BlockRead for Mapped {
    fn len_bytes(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let wanted = u64::try_from(buf.len()).unwrap_or(u64::MAX);
        let past = || self.past(offset, wanted);
        if offset.checked_add(wanted).is_none_or(|end| end > self.len) {
            return Err(past());
        }
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let (place, stretch) = self.find(at).ok_or_else(past)?;
            let count = usize::try_from(stretch).map_or(rest.len(), |len| len.min(rest.len()));
            let (now, later) = rest.split_at_mut(count);
            match place {
                None => now.fill(0),
                Some((part, within)) => {
                    let inner = part.offset.checked_add(within).ok_or_else(past)?;
                    part.source.read_exact_at(inner, now)?;
                }
            }
            at = at.saturating_add(u64::try_from(count).unwrap_or(0));
            rest = later;
        }
        Ok(())
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        let past = || self.past(offset, 1);
        let (place, stretch) = self.find(offset).ok_or_else(past)?;
        let Some((part, within)) = place else {
            return Ok(Extent {
                offset,
                len: stretch,
                kind: ExtentKind::Zero,
            });
        };
        let inner = part.offset.checked_add(within).ok_or_else(past)?;
        let extent = part.source.next_extent(inner)?;
        Ok(Extent {
            offset,
            len: extent.len.min(stretch),
            kind: extent.kind,
        })
    }
}

#[cfg(test)]
mod tests {
    use detente_block::MemoryBackend;

    use super::*;

    fn part(bytes: &[u8], offset: u64) -> Part {
        let source: Arc<dyn BlockRead> = Arc::new(MemoryBackend::new(bytes.to_vec()));
        Part { source, offset }
    }

    fn device() -> Mapped {
        let mut device = Mapped::default();
        device.push(3, Lay::Linear(part(b"xabcx", 1))).unwrap();
        let parts = vec![part(b"12347", 0), part(b"x567890", 1)];
        device.push(8, Lay::Striped { stripe: 2, parts }).unwrap();
        device.push(2, Lay::Zero).unwrap();
        device
    }

    #[test]
    fn every_range_reads_as_the_pieces_say() {
        let (device, whole) = (device(), b"abc12563478\0\0");
        assert_eq!(device.len_bytes(), 13);
        for start in 0..=13_usize {
            for end in start..=13 {
                let mut bytes = vec![0xff; end - start];
                device.read_exact_at(start as u64, &mut bytes).unwrap();
                assert_eq!(bytes, whole[start..end], "{start}..{end}");
            }
        }
        assert!(device.read_exact_at(12, &mut [0; 2]).is_err());
        assert_eq!(device.next_extent(0).unwrap().len, 3);
        assert_eq!(device.next_extent(4).unwrap().len, 1);
        assert_eq!(device.next_extent(11).unwrap().kind, ExtentKind::Zero);
        assert!(device.next_extent(13).is_err());
    }

    #[test]
    fn pieces_that_do_not_fit_are_refused() {
        let check = |len, lay, rule| assert_eq!(Mapped::default().push(len, lay), Err(rule));
        let past = "it goes past what it lies on";
        check(4, Lay::Linear(part(b"abc", 0)), past);
        check(2, Lay::Linear(part(b"abc", u64::MAX)), past);
        check(0, Lay::Zero, "its size is impossible");
        let striped = |stripe| Lay::Striped {
            stripe,
            parts: vec![part(b"ab", 0), part(b"ab", 0)],
        };
        check(8, striped(2), past);
        check(3, striped(1), "its size is no multiple of its stripes");
        check(4, striped(0), "its stripes have an impossible size");
        check(4, striped(u64::MAX), "its stripes have an impossible size");
    }
}
