//! The file as it is once the log is replayed. \[MS-VHDX\] 2.3.3, and 5 note 5: who does not write
//! to the file replays it in memory.
//!
//! Only places are kept; the sectors are read out of the log when they are wanted.

use std::collections::BTreeMap;

use detente_block::{BlockRead, ReadError};

use super::field::{put, to_u64, to_usize};
use super::log::{ActiveSequence, Ring};
use super::log_entry::{Descriptor, SECTOR, Write};

/// What the log puts over a stretch of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cover {
    Zero,
    Sector {
        /// Where in the file the log has it.
        at: u64,
        leading: [u8; 8],
        trailing: [u8; 4],
    },
}

/// What the log lays over a file.
#[derive(Debug)]
pub(super) struct Covers {
    /// By where they start: where they end, and what is there. They do not overlap.
    covers: BTreeMap<u64, (u64, Cover)>,
    /// How long the file is, before and after.
    file_len: u64,
    len: u64,
}

/// What a stretch of the file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// The file's own bytes, as they are.
    File,
    /// What the log says, or what is behind the file's end.
    Replayed,
}

impl Covers {
    /// Nothing.
    pub(super) fn none(file_len: u64) -> Self {
        Self {
            covers: BTreeMap::new(),
            file_len,
            len: file_len,
        }
    }

    /// What `sequence` lays over the file of the log `ring`.
    pub(super) fn new(sequence: &ActiveSequence, ring: &Ring<'_>) -> Self {
        let mut covers = Self::none(ring.file.len_bytes());
        for entry in &sequence.entries {
            for descriptor in &entry.descriptors {
                covers.replay(descriptor, |sector| {
                    ring.place(entry.start.saturating_add(sector.saturating_mul(SECTOR)))
                });
            }
        }
        covers.len = covers.len.max(sequence.last_file_offset);
        covers
    }

    fn replay(&mut self, descriptor: &Descriptor, place: impl Fn(u64) -> u64) {
        let start = descriptor.file_offset;
        let (len, cover) = match descriptor.write {
            Write::Zero { len } => (len, Cover::Zero),
            Write::Data {
                sector,
                leading,
                trailing,
            } => {
                let cover = Cover::Sector {
                    at: place(sector),
                    leading,
                    trailing,
                };
                (SECTOR, cover)
            }
        };
        let end = start.saturating_add(len);
        if start < end {
            self.uncover(start, end);
            self.covers.insert(start, (end, cover));
            self.len = self.len.max(end);
        }
    }

    /// Takes away what lies over `[start, end)`. Sectors go as a whole: everything is aligned.
    fn uncover(&mut self, start: u64, end: u64) {
        let before = self.covers.range(..start).next_back();
        if let Some((&first, &(last, cover))) = before.filter(|(_, (last, _))| *last > start) {
            self.covers.insert(first, (start, cover));
            self.covers.insert(start, (last, cover));
        }
        let within: Vec<u64> = self.covers.range(start..end).map(|(&at, _)| at).collect();
        for at in within {
            let Some((last, cover)) = self.covers.remove(&at) else {
                continue;
            };
            if last > end {
                self.covers.insert(end, (last, cover));
            }
        }
    }

    /// What lies at `offset`, and how far it goes on alike, up to `most` bytes.
    pub(super) fn held(&self, offset: u64, most: u64) -> (Held, u64) {
        let end = offset.saturating_add(most);
        if let Some((last, _)) = self.cover_at(offset) {
            return (Held::Replayed, last.min(end).saturating_sub(offset));
        }
        let file_end = self.file_len;
        if offset >= file_end {
            return (Held::Replayed, most);
        }
        let next = self.covers.range(offset..).next();
        let next = next.map_or(u64::MAX, |(&start, _)| start);
        let end = end.min(next).min(file_end);
        (Held::File, end.saturating_sub(offset))
    }

    fn cover_at(&self, offset: u64) -> Option<(u64, (u64, Cover))> {
        let (&start, &(end, cover)) = self.covers.range(..=offset).next_back()?;
        (offset < end).then_some((end, (start, cover)))
    }
}

/// A file with the log's writes over it.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) file: &'a dyn BlockRead,
    pub(super) covers: &'a Covers,
}

impl View<'_> {
    /// Fills `part`, which lies in one stretch.
    fn fill(&self, offset: u64, part: &mut [u8], held: Held) -> Result<(), ReadError> {
        match (held, self.covers.cover_at(offset)) {
            (Held::File, _) => self.file.read_exact_at(offset, part),
            (Held::Replayed, None | Some((_, (_, Cover::Zero)))) => {
                part.fill(0);
                Ok(())
            }
            (
                Held::Replayed,
                Some((
                    _,
                    (
                        start,
                        Cover::Sector {
                            at,
                            leading,
                            trailing,
                        },
                    ),
                )),
            ) => {
                let mut sector = vec![0; to_usize(SECTOR)];
                self.file.read_exact_at(at, &mut sector)?;
                put(&mut sector, 0, &leading);
                put(&mut sector, 4092, &trailing);
                let skip = to_usize(offset.saturating_sub(start));
                let rest = sector.get(skip..).unwrap_or_default();
                let wanted = rest.get(..part.len());
                part.copy_from_slice(wanted.expect("a stretch ends with its sector"));
                Ok(())
            }
        }
    }
}

impl BlockRead for View<'_> {
    fn len_bytes(&self) -> u64 {
        self.covers.len
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let wanted = to_u64(buf.len());
        if offset
            .checked_add(wanted)
            .is_none_or(|end| end > self.covers.len)
        {
            return Err(ReadError::PastEnd {
                offset,
                wanted,
                end: self.covers.len,
            });
        }
        let mut offset = offset;
        let mut rest = buf;
        while !rest.is_empty() {
            let (held, len) = self.covers.held(offset, to_u64(rest.len()));
            let (part, after) = std::mem::take(&mut rest).split_at_mut(to_usize(len));
            self.fill(offset, part, held)?;
            offset = offset.saturating_add(len);
            rest = after;
        }
        Ok(())
    }
}
