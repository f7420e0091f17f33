//! The log, and the writes in it that may not have reached their places. \[MS-VHDX\] 2.3.
//!
//! Nothing is written: what the log says is laid over the file ([`super::replay`]).

use std::collections::BTreeMap;

use detente_block::{BlockRead, ReadError};

use super::fault::{Fault, Rule, unsupported};
use super::field::{to_u64, to_usize};
use super::header::Header;
use super::log_entry::{Descriptor, EntryHeader, SECTOR};
use crate::guid::Guid;

/// The longest log that is replayed; Hyper-V's and QEMU's have 1 MiB.
const MAX_LOG_BYTES: u64 = 16 << 20;
/// How many descriptors an active sequence may have: what a replay takes is bounded by this.
const MAX_DESCRIPTORS: u64 = 1 << 18;
/// Entries may be read this many times the log's length in all, for hostile ones may overlap.
const MAX_READ_FACTOR: u64 = 16;

const NO_SEQUENCE: Rule = Rule::new("vhdx.log.no-sequence", "[MS-VHDX] 2.3.3");
const TRUNCATED: Rule = Rule::new("vhdx.log.truncated", "[MS-VHDX] 2.3.3");

/// An entry of the active sequence, as it is to be replayed.
#[derive(Debug)]
pub(super) struct ActiveEntry {
    /// Where in the log it starts.
    pub(super) start: u64,
    pub(super) descriptors: Vec<Descriptor>,
}

/// The newest valid and complete sequence.
#[derive(Debug)]
pub(super) struct ActiveSequence {
    /// From the tail to the head.
    pub(super) entries: Vec<ActiveEntry>,
    /// The file is at least this long once it is replayed.
    pub(super) last_file_offset: u64,
}

/// The ring of sectors.
#[derive(Clone, Copy)]
pub(super) struct Ring<'a> {
    pub(super) file: &'a dyn BlockRead,
    offset: u64,
    length: u64,
}

impl<'a> Ring<'a> {
    /// The log of a file.
    pub(super) fn new(file: &'a dyn BlockRead, header: &Header) -> Self {
        Self {
            file,
            offset: header.log_offset,
            length: u64::from(header.log_length),
        }
    }

    /// Where in the file the byte `at` of the ring is, which may be behind its end.
    pub(super) fn place(&self, at: u64) -> u64 {
        let within = at.checked_rem(self.length).unwrap_or_default();
        self.offset.saturating_add(within)
    }

    /// `len` bytes from `at`; an entry may go on at the ring's start.
    fn read(&self, at: u64, len: u64) -> Result<Vec<u8>, ReadError> {
        let mut bytes = vec![0; to_usize(len)];
        let until_end = to_usize(self.length.saturating_sub(at).min(len));
        let (first, second) = bytes.split_at_mut(until_end);
        self.file.read_exact_at(self.place(at), first)?;
        self.file.read_exact_at(self.offset, second)?;
        Ok(bytes)
    }
}

/// The sequence to be replayed; `None` if the log is empty.
pub(super) fn active_sequence(
    ring: Ring<'_>,
    header: &Header,
) -> Result<Option<ActiveSequence>, Fault> {
    if header.log_guid == Guid::ZERO {
        return Ok(None);
    }
    let length = ring.length;
    if length > MAX_LOG_BYTES {
        let what = format!("a VHDX log of {length} bytes to be replayed, more than 16 MiB");
        return Err(unsupported(header.log_offset, what));
    }
    let mut search = Search {
        ring,
        log_guid: header.log_guid,
        known: BTreeMap::new(),
        budget: length.saturating_mul(MAX_READ_FACTOR),
    };
    let Some(sequence) = search.newest()? else {
        let what = "the log is not empty, and no sequence of entries in it is valid and complete";
        return Err(NO_SEQUENCE.broken(header.log_offset, what));
    };
    sequence.load(&ring).map(Some)
}

/// Entries that follow each other.
#[derive(Debug, Default)]
struct Sequence {
    /// Where each starts, from the tail to the head.
    entries: Vec<(u64, EntryHeader)>,
    /// How many bytes they take.
    len: u64,
}

impl Sequence {
    fn head(&self) -> Option<&EntryHeader> {
        self.entries.last().map(|(_, header)| header)
    }

    /// \[MS-VHDX\] 2.3.3: the tail that the head states is one of the entries.
    fn start_at_tail(mut self) -> Option<Self> {
        let tail = self.head()?.tail;
        let first = self.entries.iter().position(|(start, _)| *start == tail)?;
        self.entries.drain(..first);
        Some(self)
    }

    fn newest(self, other: Option<Self>) -> Option<Self> {
        let number = |sequence: &Self| sequence.head().map(|head| head.sequence_number);
        match other {
            Some(other) if number(&other) >= number(&self) => Some(other),
            Some(_) | None => Some(self),
        }
    }

    /// Reads the descriptors.
    fn load(self, ring: &Ring<'_>) -> Result<ActiveSequence, Fault> {
        let head = *self.head().expect("a sequence has an entry");
        let (flushed, len) = (head.flushed_file_offset, ring.file.len_bytes());
        if len < flushed {
            let what = format!(
                "the file ends at {len:#x} and had {flushed:#x} bytes when its log was written: \
                 its end was cut off"
            );
            return Err(TRUNCATED.broken(len, what));
        }
        let count = self.entries.iter().map(|(_, one)| one.descriptor_count);
        let count = count.fold(0_u64, u64::saturating_add);
        if count > MAX_DESCRIPTORS {
            let what = format!("a VHDX log with {count} writes to be replayed");
            return Err(unsupported(ring.offset, what));
        }
        let mut entries = Vec::with_capacity(self.entries.len());
        for (start, header) in self.entries {
            let bytes = ring.read(start, header.entry_length)?;
            let descriptors = header.descriptors(&bytes).ok_or_else(|| {
                NO_SEQUENCE.broken(ring.place(start), "the log changed while it was read")
            })?;
            entries.push(ActiveEntry { start, descriptors });
        }
        Ok(ActiveSequence {
            entries,
            last_file_offset: head.last_file_offset,
        })
    }
}

/// Looks for the newest valid sequence, by the steps of \[MS-VHDX\] 2.3.3.
struct Search<'a> {
    ring: Ring<'a>,
    log_guid: Guid,
    /// What was found at each start that was looked at.
    known: BTreeMap<u64, Option<EntryHeader>>,
    /// How many bytes may still be read.
    budget: u64,
}

impl Search<'_> {
    fn newest(&mut self) -> Result<Option<Sequence>, Fault> {
        let mut candidate = None;
        let mut tail = 0;
        while tail < self.ring.length {
            let sequence = self.sequence(tail)?;
            let len = sequence.len;
            match sequence.start_at_tail() {
                Some(valid) => {
                    candidate = valid.newest(candidate);
                    // What it covers begins no newer one; behind the end, it was all looked at.
                    tail = tail.saturating_add(len.max(SECTOR));
                }
                None => tail = tail.saturating_add(SECTOR),
            }
        }
        Ok(candidate)
    }

    /// The entries from `start` on whose numbers go up one by one.
    fn sequence(&mut self, start: u64) -> Result<Sequence, Fault> {
        let mut sequence = Sequence::default();
        while sequence.len < self.ring.length {
            let at = start.saturating_add(sequence.len);
            let at = at.checked_rem(self.ring.length).unwrap_or_default();
            let Some(entry) = self.entry(at)? else { break };
            let wanted = sequence
                .head()
                .map(|head| head.sequence_number.checked_add(1));
            let len = sequence.len.saturating_add(entry.entry_length);
            let follows = wanted.is_none_or(|wanted| wanted == Some(entry.sequence_number));
            if !follows || len > self.ring.length {
                break;
            }
            sequence.entries.push((at, entry));
            sequence.len = len;
        }
        Ok(sequence)
    }

    /// The entry at `at`, if there is a valid one.
    fn entry(&mut self, at: u64) -> Result<Option<EntryHeader>, Fault> {
        if let Some(known) = self.known.get(&at) {
            return Ok(*known);
        }
        let first = self.ring.read(at, SECTOR)?;
        let mut found = EntryHeader::parse(&first, self.log_guid, self.ring.length);
        if let Some(header) = found {
            let Some(budget) = self.budget.checked_sub(header.entry_length) else {
                let what = "a VHDX log whose entries overlap many times";
                return Err(unsupported(self.ring.place(at), what));
            };
            self.budget = budget;
            let entry = self.ring.read(at, header.entry_length)?;
            debug_assert_eq!(to_u64(entry.len()), header.entry_length);
            found = Some(header).filter(|header| header.is_whole(&entry));
        }
        self.known.insert(at, found);
        Ok(found)
    }
}
