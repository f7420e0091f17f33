//! The metadata table: which items there are, and where. \[MS-VHDX\] 2.6.1.

use detente_block::BlockRead;

use super::fault::{Fault, Rule, read_bytes, unsupported};
use super::field::{guid_at, put, to_u64, u16_at, u32_at};
use super::metadata_item::{ALL_KNOWN, IS_REQUIRED, IS_USER, Known};
use super::region::Region;
use crate::guid::Guid;

/// What the table takes; items come behind it.
pub(super) const TABLE_BYTES: u32 = 64 << 10;
/// The header, and each entry.
const ENTRY: usize = 32;
/// \[MS-VHDX\] 2.6.1.1.
const MAX_ENTRIES: u16 = 2047;
/// \[MS-VHDX\] 2.6.1.2.
const MAX_USER_ENTRIES: usize = 1024;
const MAX_ITEM_BYTES: u32 = 1 << 20;

const SIGNATURE: Rule = Rule::new("vhdx.metadata.signature", "[MS-VHDX] 2.6.1.1");
const COUNT: Rule = Rule::new("vhdx.metadata.count", "[MS-VHDX] 2.6.1.1");
const USERS: Rule = Rule::new("vhdx.metadata.user-count", "[MS-VHDX] 2.6.1.2");
const PLACE: Rule = Rule::new("vhdx.metadata.place", "[MS-VHDX] 2.6.1.2");
const OVERLAP: Rule = Rule::new("vhdx.metadata.overlap", "[MS-VHDX] 2.6.1.2");
const UNIQUE: Rule = Rule::new("vhdx.metadata.unique", "[MS-VHDX] 2.6.1.2");
const MISSING: Rule = Rule::new("vhdx.metadata.missing", "[MS-VHDX] 2.6.2");
const FLAGS: Rule = Rule::new("vhdx.metadata.flags", "[MS-VHDX] 2.6.2");
const LENGTH: Rule = Rule::new("vhdx.metadata.length", "[MS-VHDX] 2.6.2");

/// One entry.
#[derive(Debug, Clone, Copy)]
struct Entry {
    guid: Guid,
    offset: u32,
    length: u32,
    flags: u32,
    /// Where it stands in the file.
    at: u64,
}

impl Entry {
    fn end(&self) -> u64 {
        u64::from(self.offset).saturating_add(u64::from(self.length))
    }

    fn is_user(&self) -> bool {
        self.flags & IS_USER != 0
    }

    fn is(&self, known: Known) -> bool {
        self.guid == known.guid && !self.is_user()
    }

    fn validate(&self, region: &Region) -> Result<(), Fault> {
        let is_empty = self.length == 0 && self.offset == 0;
        let inside = self.offset >= TABLE_BYTES && self.end() <= u64::from(region.length);
        if is_empty || (inside && self.length <= MAX_ITEM_BYTES) {
            return Ok(());
        }
        let what = format!(
            "the metadata item {} at {:#x} of {:#x} bytes is not behind the table and inside the \
             region of {:#x} bytes, or is longer than 1 MiB",
            self.guid, self.offset, self.length, region.length
        );
        Err(PLACE.broken(self.at, what))
    }
}

/// A table whose header is valid.
#[derive(Debug)]
pub(super) struct MetadataTable {
    region: Region,
    entries: Vec<Entry>,
}

impl MetadataTable {
    /// Reads the table of the metadata region.
    pub(super) fn read(file: &dyn BlockRead, region: Region) -> Result<Self, Fault> {
        let start = region.offset;
        let bytes = read_bytes(file, start, u64::from(TABLE_BYTES), "metadata table")?;
        if !bytes.starts_with(b"metadata") {
            return Err(SIGNATURE.broken(start, "the metadata table does not begin with metadata"));
        }
        let count = u16_at(&bytes, 10);
        if count > MAX_ENTRIES {
            let what = format!("the metadata table has {count} entries, more than {MAX_ENTRIES}");
            return Err(COUNT.broken(start.saturating_add(10), what));
        }
        let (entries, _) = bytes.as_chunks::<ENTRY>();
        let mut at = start;
        let mut found = Vec::new();
        for (entry, _) in entries.iter().skip(1).zip(0..count) {
            at = at.saturating_add(to_u64(ENTRY));
            found.push(Entry {
                guid: guid_at(entry, 0),
                offset: u32_at(entry, 16),
                length: u32_at(entry, 20),
                flags: u32_at(entry, 24),
                at,
            });
        }
        Ok(Self {
            region,
            entries: found,
        })
    }

    /// What is wrong with its entries, one by one.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for entry in &self.entries {
            if let Err(fault) = entry.validate(&self.region) {
                faults.push(fault);
            }
            if !seen.insert((entry.guid, entry.is_user())) {
                let what = format!("the metadata item {} stands in the table twice", entry.guid);
                faults.push(UNIQUE.broken(entry.at, what));
            }
            let is_known = ALL_KNOWN.iter().any(|known| entry.is(*known));
            if entry.flags & IS_REQUIRED != 0 && !is_known {
                let what = format!("a required VHDX metadata item {}", entry.guid);
                faults.push(unsupported(entry.at, what));
            }
        }
        let users = self.entries.iter().filter(|entry| entry.is_user()).count();
        if users > MAX_USER_ENTRIES {
            let what = format!("{users} metadata items are of users, more than {MAX_USER_ENTRIES}");
            faults.push(USERS.broken(self.region.offset, what));
        }
        faults.extend(self.overlaps());
        faults
    }

    /// Known items whose flags are not those of the specification; no reader depends on them.
    pub(super) fn wrong_flags(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for entry in &self.entries {
            let known = ALL_KNOWN.iter().find(|known| entry.is(**known));
            let Some(known) = known.filter(|known| known.flags != entry.flags) else {
                continue;
            };
            let what = format!(
                "the {} has the flags {:#x} instead of {:#x}",
                known.name, entry.flags, known.flags
            );
            faults.push(FLAGS.broken(entry.at.saturating_add(24), what));
        }
        faults
    }

    fn overlaps(&self) -> Vec<Fault> {
        let mut sorted: Vec<&Entry> = self.entries.iter().filter(|one| one.length > 0).collect();
        sorted.sort_by_key(|entry| (entry.offset, entry.length));
        let pairs = sorted.array_windows();
        let overlaps = pairs.filter(|[one, two]| one.end() > u64::from(two.offset));
        let faults = overlaps.map(|[one, two]| {
            let what = format!(
                "the metadata items {} and {} overlap at {:#x} of their region",
                one.guid, two.guid, two.offset
            );
            OVERLAP.broken(two.at, what)
        });
        faults.collect()
    }

    /// The bytes of an item that must be there, and where they stand.
    pub(super) fn item(&self, file: &dyn BlockRead, known: Known) -> Result<(Vec<u8>, u64), Fault> {
        let Some(entry) = self.entries.iter().find(|entry| entry.is(known)) else {
            let what = format!("the metadata lacks the {}", known.name);
            return Err(MISSING.broken(self.region.offset, what));
        };
        entry.validate(&self.region)?;
        let start = self.region.offset.saturating_add(u64::from(entry.offset));
        let bytes = read_bytes(file, start, u64::from(entry.length), known.name)?;
        Ok((bytes, start))
    }

    /// The same for an item of a fixed length.
    pub(super) fn item_of<const N: usize>(
        &self,
        file: &dyn BlockRead,
        known: Known,
    ) -> Result<([u8; N], u64), Fault> {
        let (bytes, start) = self.item(file, known)?;
        match bytes.first_chunk() {
            Some(fixed) if bytes.len() == N => Ok((*fixed, start)),
            Some(_) | None => {
                let what = format!(
                    "the {} has {} bytes instead of {N}",
                    known.name,
                    bytes.len()
                );
                Err(LENGTH.broken(start, what))
            }
        }
    }
}

/// The bytes of a new region with these items.
pub(super) fn encode(items: &[(Known, Vec<u8>)]) -> Vec<u8> {
    let table = usize::try_from(TABLE_BYTES).expect("it is small");
    let mut bytes = vec![0; table];
    put(&mut bytes, 0, b"metadata");
    let count = u16::try_from(items.len()).expect("a new table has six entries at most");
    put(&mut bytes, 10, &count.to_le_bytes());
    let mut at = ENTRY;
    for (known, item) in items {
        let offset = u32::try_from(bytes.len()).expect("items are short");
        let length = u32::try_from(item.len()).expect("items are short");
        put(&mut bytes, at, &known.guid.0);
        put(&mut bytes, at.saturating_add(16), &offset.to_le_bytes());
        put(&mut bytes, at.saturating_add(20), &length.to_le_bytes());
        put(
            &mut bytes,
            at.saturating_add(24),
            &known.flags.to_le_bytes(),
        );
        bytes.extend_from_slice(item);
        at = at.saturating_add(ENTRY);
    }
    bytes
}
