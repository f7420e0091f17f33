//! Master boot record: four primary partitions, and a chain of logical ones.

use detente_block::{BlockRead, ReadError};

use super::layout::{Layout, Partition};
use crate::fields::{array, has, le32, read_if_inside};

const SECTOR: u64 = 512;
/// Linux reads at most 256 partitions of a disk; the chain of a damaged one may lead in a circle.
const MAX_LOGICAL: u32 = 128;

/// One of the four entries.
#[derive(Clone, Copy)]
struct Entry {
    kind: u8,
    first: u32,
    sectors: u32,
}

impl Entry {
    /// The byte range, when the entry's numbers count from sector `base`.
    fn range(self, base: u64) -> (u64, u64) {
        let first = base.saturating_add(u64::from(self.first));
        (
            first.saturating_mul(SECTOR),
            u64::from(self.sectors).saturating_mul(SECTOR),
        )
    }

    fn is_used(self) -> bool {
        self.kind != 0 && self.sectors != 0
    }

    /// CHS, LBA and Linux extended.
    fn is_extended(self) -> bool {
        matches!(self.kind, 0x05 | 0x0f | 0x85) && self.sectors != 0
    }
}

/// A sector with the signature and four sensible entries.
pub(super) struct Record {
    signature: u32,
    entries: [Entry; 4],
}

impl Record {
    /// `None` when the sector cannot be an MBR.
    pub(super) fn parse(sector: &[u8]) -> Option<Self> {
        if !has(sector, 510, &[0x55, 0xaa]) {
            return None;
        }
        let mut entries = [Entry {
            kind: 0,
            first: 0,
            sectors: 0,
        }; 4];
        for (entry, at) in entries.iter_mut().zip([446, 462, 478, 494]) {
            let bytes: [u8; 16] = array(sector, at)?;
            // Linux takes a sector for an MBR only if the active flags are 0 or 0x80.
            if bytes.first()? & 0x7f != 0 {
                return None;
            }
            *entry = Entry {
                kind: *bytes.get(4)?,
                first: le32(&bytes, 8)?,
                sectors: le32(&bytes, 12)?,
            };
        }
        Some(Self {
            signature: le32(sector, 440)?,
            entries,
        })
    }

    /// \[UEFI\] 5.2.3: an entry of type 0xEE announces a GPT; beside others in a hybrid MBR.
    pub(super) fn is_protective(&self) -> bool {
        self.entries.iter().any(|entry| entry.kind == 0xee)
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.entries.iter().any(|entry| entry.is_used())
    }

    fn partition(&self, number: u32, entry: Entry, base: u64) -> Partition {
        let (start, len) = entry.range(base);
        Partition {
            number,
            start,
            len,
            type_id: format!("0x{:02x}", entry.kind),
            partuuid: Some(format!("{:08x}-{number:02x}", self.signature)),
            name: None,
        }
    }
}

/// Adds primary and logical partitions to `layout`; extended ones only hold the logical.
pub(super) fn read(
    disk: &dyn BlockRead,
    record: &Record,
    layout: &mut Layout<'_>,
) -> Result<(), ReadError> {
    let mut extended = None;
    for (number, &entry) in (1_u32..).zip(&record.entries) {
        if entry.is_extended() {
            // Only the first one counts for Linux.
            extended = extended.or(Some(entry));
        } else if entry.is_used() && entry.kind != 0xee {
            layout.add(record.partition(number, entry, 0));
        }
    }
    match extended {
        Some(extended) => read_chain(disk, record, extended, layout),
        None => Ok(()),
    }
}

/// Each link of the chain holds one logical partition and the place of the next link.
fn read_chain(
    disk: &dyn BlockRead,
    record: &Record,
    extended: Entry,
    layout: &mut Layout<'_>,
) -> Result<(), ReadError> {
    let base = u64::from(extended.first);
    let end = base.saturating_add(u64::from(extended.sectors));
    let mut link = base;
    let mut number = 5_u32;
    for _ in 0..MAX_LOGICAL {
        let Some(sector) = read_if_inside(disk, link.saturating_mul(SECTOR), 512)? else {
            layout.note("logical partitions end early: the chain leaves the disk");
            return Ok(());
        };
        let Some(Record {
            entries: [first, second, ..],
            ..
        }) = Record::parse(&sector)
        else {
            layout.note("logical partitions end early: a link has no signature");
            return Ok(());
        };
        if first.is_used() && !first.is_extended() {
            add_logical(record.partition(number, first, link), end, layout);
            number = number.saturating_add(1);
        }
        if !second.is_extended() {
            return Ok(());
        }
        // [the format] the next link counts from the start of the extended partition.
        link = base.saturating_add(u64::from(second.first));
        if link >= end || link == base {
            layout.note("logical partitions end early: the chain leaves the extended partition");
            return Ok(());
        }
    }
    layout.note("logical partitions end early: the chain is too long or leads in a circle");
    Ok(())
}

fn add_logical(partition: Partition, extended_end: u64, layout: &mut Layout<'_>) {
    let end = partition.start.saturating_add(partition.len);
    if end > extended_end.saturating_mul(SECTOR) {
        let number = partition.number;
        return layout.note(format!(
            "partition {number} left out: outside the extended partition"
        ));
    }
    layout.add(partition);
}
