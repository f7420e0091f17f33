//! Whether two disks hold the same bytes, and where they first do not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::cores::on_every_core;
use crate::{BlockRead, Extent, ExtentKind, ReadError};

/// What is read at a time.
const PIECE_BYTES: u64 = 1 << 20;

/// What a comparison found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Every byte is the same; what one disk is shorter by is zero in the other.
    Same,
    /// Not every byte is the same.
    Differs {
        /// The first byte that is not.
        offset: u64,
    },
    /// It was cancelled before it was known.
    Cancelled,
}

/// Which of the two disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first one.
    First,
    /// The second one.
    Second,
}

/// Why two disks could not be compared.
#[derive(Debug, thiserror::Error)]
#[error("the {} disk cannot be read", match .side { Side::First => "first", Side::Second => "second" })]
pub struct CompareError {
    /// The disk that could not be read.
    pub side: Side,
    /// What the read met.
    pub source: ReadError,
}

/// Compares two disks. The shorter one counts as followed by zeroes, as QEMU has it. What both say
/// is zero is not read.
///
/// # Limits
/// Up to 16 threads, 2 MiB of memory each. Whoever cancels waits for one piece of 1 MiB.
///
/// # Errors
/// What a read met, unless the disks differ before it.
pub fn compare(
    first: &dyn BlockRead,
    second: &dyn BlockRead,
    cancel: &AtomicBool,
) -> Result<Comparison, CompareError> {
    let plan = Mutex::new(Plan::new(first, second));
    let stop = AtomicBool::new(false);
    let events = on_every_core(usize::MAX, || compare_some(&plan, &stop, cancel));
    // Pieces are given out in rising order and finished once begun: the first event is the first
    // of all, whatever the threads did.
    match events
        .into_iter()
        .flatten()
        .min_by_key(|event| event.offset)
    {
        Some(event) => event.what.map(|()| Comparison::Differs {
            offset: event.offset,
        }),
        None if cancel.load(Ordering::Relaxed) => Ok(Comparison::Cancelled),
        None => Ok(Comparison::Same),
    }
}

/// What ends a comparison: a difference, or a read that failed.
struct Event {
    offset: u64,
    what: Result<(), CompareError>,
}

/// Takes pieces until there are none left, or something ends it.
fn compare_some(plan: &Mutex<Plan<'_>>, stop: &AtomicBool, cancel: &AtomicBool) -> Option<Event> {
    let mut buffers = (Vec::new(), Vec::new());
    while !stop.load(Ordering::Relaxed) && !cancel.load(Ordering::Relaxed) {
        let (disks, piece) = {
            let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
            ((plan.first.disk, plan.second.disk), plan.next(cancel))
        };
        let event = match piece {
            Ok(None) => return None,
            Ok(Some(piece)) => compare_piece(disks, &piece, &mut buffers),
            Err(event) => Some(event),
        };
        if event.is_some() {
            stop.store(true, Ordering::Relaxed);
            return event;
        }
    }
    None
}

/// Compares one piece.
fn compare_piece(
    (first, second): (&dyn BlockRead, &dyn BlockRead),
    piece: &Piece,
    (ours, theirs): &mut (Vec<u8>, Vec<u8>),
) -> Option<Event> {
    let filled = fill(first, Side::First, piece, piece.first, ours)
        .and_then(|()| fill(second, Side::Second, piece, piece.second, theirs));
    if let Err(error) = filled {
        return Some(Event {
            offset: piece.offset,
            what: Err(error),
        });
    }
    if ours == theirs {
        return None;
    }
    let at = ours.iter().zip(&*theirs).position(|(a, b)| a != b)?;
    Some(Event {
        offset: piece.offset.saturating_add(at as u64),
        what: Ok(()),
    })
}

fn fill(
    disk: &dyn BlockRead,
    side: Side,
    piece: &Piece,
    kind: ExtentKind,
    buffer: &mut Vec<u8>,
) -> Result<(), CompareError> {
    buffer.resize(piece.len, 0);
    match kind {
        ExtentKind::Zero => {
            buffer.fill(0);
            Ok(())
        }
        ExtentKind::Data => disk
            .read_exact_at(piece.offset, buffer)
            .map_err(|source| CompareError { side, source }),
    }
}

/// A stretch that has to be looked at.
struct Piece {
    offset: u64,
    len: usize,
    first: ExtentKind,
    second: ExtentKind,
}

/// Which pieces are still to be looked at.
struct Plan<'a> {
    first: Known<'a>,
    second: Known<'a>,
    next: u64,
    end: u64,
}

impl<'a> Plan<'a> {
    fn new(first: &'a dyn BlockRead, second: &'a dyn BlockRead) -> Self {
        Self {
            first: Known::new(first, Side::First),
            second: Known::new(second, Side::Second),
            next: 0,
            end: first.len_bytes().max(second.len_bytes()),
        }
    }

    /// The next piece that is not zero on both sides; none at the end, or when cancelled.
    fn next(&mut self, cancel: &AtomicBool) -> Result<Option<Piece>, Event> {
        while self.next < self.end && !cancel.load(Ordering::Relaxed) {
            let offset = self.next;
            let failed = |error| Event {
                offset,
                what: Err(error),
            };
            let first = self.first.at(offset).map_err(failed)?;
            let second = self.second.at(offset).map_err(failed)?;
            let end = first.end.min(second.end).min(self.end);
            if (first.kind, second.kind) == (ExtentKind::Zero, ExtentKind::Zero) {
                self.next = end;
                continue;
            }
            self.next = end.min(offset.saturating_add(PIECE_BYTES));
            return Ok(Some(Piece {
                offset,
                len: usize::try_from(self.next.saturating_sub(offset)).unwrap_or(0),
                first: first.kind,
                second: second.kind,
            }));
        }
        Ok(None)
    }
}

/// A disk, and the extent of it that was last looked up.
struct Known<'a> {
    disk: &'a dyn BlockRead,
    side: Side,
    extent: Extent,
}

/// What is known of a place: its kind, and where that ends.
struct Stretch {
    kind: ExtentKind,
    end: u64,
}

impl<'a> Known<'a> {
    fn new(disk: &'a dyn BlockRead, side: Side) -> Self {
        let extent = Extent {
            offset: 0,
            len: 0,
            kind: ExtentKind::Zero,
        };
        Self { disk, side, extent }
    }

    fn at(&mut self, offset: u64) -> Result<Stretch, CompareError> {
        if offset >= self.disk.len_bytes() {
            return Ok(Stretch {
                kind: ExtentKind::Zero,
                end: u64::MAX,
            });
        }
        let end = |extent: &Extent| extent.offset.saturating_add(extent.len);
        if offset < self.extent.offset || offset >= end(&self.extent) {
            let side = self.side;
            let found = self.disk.next_extent(offset);
            self.extent = found.map_err(|source| CompareError { side, source })?;
        }
        // An extent is never empty; one that is must not keep us here for ever.
        Ok(Stretch {
            kind: self.extent.kind,
            end: end(&self.extent).max(offset.saturating_add(1)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryBackend;

    const MIB: usize = 1 << 20;

    #[track_caller]
    fn check(first: &[u8], second: &[u8], expect: Comparison) {
        let never = AtomicBool::new(false);
        for (a, b) in [(first, second), (second, first)] {
            let a = MemoryBackend::new(a.to_vec());
            let b = MemoryBackend::new(b.to_vec());
            assert_eq!(compare(&a, &b, &never).unwrap(), expect);
        }
    }

    /// `len` bytes of a pattern, with `change` added to the one at `at`.
    fn disk(len: usize, at: usize, change: u8) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
        bytes[at] = bytes[at].wrapping_add(change);
        bytes
    }

    #[test]
    fn the_first_byte_that_differs_is_named() {
        let sound = disk(5 * MIB + 3, 0, 0);
        check(&sound, &sound, Comparison::Same);
        for at in [0, 1, MIB - 1, MIB, 3 * MIB + 17, 5 * MIB + 2] {
            let other = disk(5 * MIB + 3, at, 1);
            let offset = u64::try_from(at).unwrap();
            check(&sound, &other, Comparison::Differs { offset });
        }
    }

    #[test]
    fn of_two_differences_the_first_counts() {
        let sound = disk(6 * MIB, 0, 0);
        let mut other = disk(6 * MIB, 5 * MIB, 1);
        other[2 * MIB] ^= 1;
        let offset = 2 << 20;
        check(&sound, &other, Comparison::Differs { offset });
    }

    #[test]
    fn what_is_missing_at_the_end_counts_as_zero() {
        let mut longer = disk(MIB, 0, 0);
        check(&longer.clone(), &longer, Comparison::Same);
        longer.resize(2 * MIB, 0);
        check(&longer[..MIB], &longer, Comparison::Same);
        longer[2 * MIB - 1] = 1;
        let offset = (2 << 20) - 1;
        check(&longer[..MIB], &longer, Comparison::Differs { offset });
        check(&[], &[], Comparison::Same);
    }

    #[test]
    fn a_cancelled_comparison_says_so() {
        let disk = MemoryBackend::new(vec![1; 4096]);
        let now = AtomicBool::new(true);
        assert_eq!(compare(&disk, &disk, &now).unwrap(), Comparison::Cancelled);
    }

    /// Fails where it is read from `bad` on.
    struct Failing {
        bytes: Vec<u8>,
        bad: u64,
    }

    impl BlockRead for Failing {
        fn len_bytes(&self) -> u64 {
            self.bytes.len() as u64
        }

        fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
            if offset >= self.bad {
                let rule = "bad".to_owned();
                return Err(ReadError::Corrupt { offset, rule });
            }
            let start = usize::try_from(offset).unwrap();
            buf.copy_from_slice(&self.bytes[start..][..buf.len()]);
            Ok(())
        }
    }

    #[test]
    fn a_read_that_fails_counts_unless_the_disks_differ_before() {
        let never = AtomicBool::new(false);
        let failing = Failing {
            bytes: disk(4 * MIB, 0, 0),
            bad: 2 << 20,
        };
        let same = MemoryBackend::new(disk(4 * MIB, 0, 0));
        let error = compare(&same, &failing, &never).unwrap_err();
        assert_eq!(error.side, Side::Second);
        let other = MemoryBackend::new(disk(4 * MIB, 5, 1));
        let differs = Comparison::Differs { offset: 5 };
        assert_eq!(compare(&failing, &other, &never).unwrap(), differs);
    }
}
