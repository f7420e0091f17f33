//! The table of internal snapshots: \[qcow2\] "Snapshots".

use detente_block::{BlockRead, ReadError};

use super::details::Qcow2Snapshot;
use super::field::{Fields, read_bytes, to_usize};
use super::header::{Header, MAX_L1_BYTES};
use super::{corrupt, unsupported};

/// `QCOW_MAX_SNAPSHOTS` in QEMU.
const MAX_SNAPSHOTS: u32 = 65_536;
/// What all of them may take; a thousand times what a sane table has.
const MAX_TABLE_BYTES: u64 = 8 << 20;
/// The fields that every entry has.
const ENTRY_BYTES: u64 = 40;

/// An entry of the table.
#[derive(Debug)]
pub(super) struct SnapshotEntry {
    /// Where it stands.
    pub(super) at: u64,
    /// How long it is, without padding.
    pub(super) len: u64,
    pub(super) l1_table_offset: u64,
    pub(super) l1_entries: u64,
    pub(super) shown: Qcow2Snapshot,
}

/// Hands each entry of the table to `take`.
///
/// # Errors
/// What is wrong with the table; the entries before were handed on.
pub(super) fn read(
    file: &dyn BlockRead,
    header: &Header,
    mut take: impl FnMut(SnapshotEntry),
) -> Result<(), ReadError> {
    if header.snapshot_count == 0 {
        return Ok(());
    }
    let start = header.snapshots_offset;
    if header.snapshot_count > MAX_SNAPSHOTS {
        let what = format!("{} snapshots", header.snapshot_count);
        return Err(unsupported(60, what));
    }
    if start == 0 || header.geometry.in_cluster(start) != 0 {
        let rule = format!("the snapshot table's offset {start:#x} is not aligned");
        return Err(corrupt(64, rule));
    }
    let mut at = start;
    for _ in 0..header.snapshot_count {
        let entry = SnapshotEntry::read(file, at, header.size)?;
        at = at.saturating_add(entry.len.next_multiple_of(8));
        if at.saturating_sub(start) > MAX_TABLE_BYTES {
            return Err(unsupported(at, "a snapshot table of more than 8 MiB"));
        }
        take(entry);
    }
    Ok(())
}

impl SnapshotEntry {
    /// `size` is the guest's view now, for entries that do not say what it was.
    fn read(file: &dyn BlockRead, at: u64, size: u64) -> Result<Self, ReadError> {
        let past = || corrupt(at, "the snapshot table goes past the end of the file");
        let end = |len: u64| at.checked_add(len).filter(|&end| end <= file.len_bytes());
        end(ENTRY_BYTES).ok_or_else(past)?;
        let head = read_bytes(file, at, ENTRY_BYTES)?;
        let fields = Fields {
            bytes: &head,
            start: at,
        };
        let extra = u64::from(fields.u32(36)?);
        let (id, name) = (u64::from(fields.u16(12)?), u64::from(fields.u16(14)?));
        let len = ENTRY_BYTES
            .saturating_add(extra)
            .saturating_add(id)
            .saturating_add(name);
        if len > MAX_TABLE_BYTES {
            return Err(unsupported(at, "a snapshot table of more than 8 MiB"));
        }
        end(len).ok_or_else(past)?;
        let bytes = read_bytes(file, at, len)?;
        let fields = Fields {
            bytes: &bytes,
            start: at,
        };
        // Extra data: the size of the state in 64 bits, the disk's size, the instruction count.
        let more = |from: usize| {
            (extra >= to_extra(from))
                .then(|| fields.u64(from))
                .transpose()
        };
        let text = |from: u64, len: u64| {
            let bytes = bytes
                .get(to_usize(from)..)
                .and_then(|rest| rest.get(..to_usize(len)));
            String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
        };
        let id_at = ENTRY_BYTES.saturating_add(extra);
        Ok(Self {
            at,
            len,
            l1_table_offset: fields.u64(0)?,
            l1_entries: u64::from(fields.u32(8)?),
            shown: Qcow2Snapshot {
                id: text(id_at, id),
                name: text(id_at.saturating_add(id), name),
                date_seconds: fields.u32(16)?,
                date_nanoseconds: fields.u32(20)?,
                vm_clock_nanoseconds: fields.u64(24)?,
                vm_state_bytes: more(40)?.unwrap_or(u64::from(fields.u32(32)?)),
                virtual_size: more(48)?.unwrap_or(size),
                // All ones: not counted.
                icount: more(56)?.filter(|&count| count != u64::MAX),
            },
        })
    }

    /// The entries of its L1 table that the guest's view needs, if it has them.
    pub(super) fn needed_l1(&self, header: &Header) -> Result<u64, ReadError> {
        let needed = header.geometry.l1_entries(self.shown.virtual_size);
        if needed > self.l1_entries || needed.saturating_mul(8) > MAX_L1_BYTES {
            let (id, have) = (&self.shown.id, self.l1_entries);
            let rule = format!("the L1 table of snapshot {id:?} has {have} entries, not {needed}");
            return Err(corrupt(self.at.saturating_add(8), rule));
        }
        Ok(needed)
    }
}

/// How long extra data must be to have the eight bytes at `from` of the entry.
fn to_extra(from: usize) -> u64 {
    super::field::to_u64(from)
        .saturating_add(8)
        .saturating_sub(ENTRY_BYTES)
}
