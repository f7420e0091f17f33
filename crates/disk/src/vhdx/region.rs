//! The region table: where the BAT and the metadata are. \[MS-VHDX\] 2.2.3.

use detente_block::BlockRead;

use super::fault::{Fault, Rule, read_bytes, unsupported};
use super::field::{MIB, checksum, guid_at, put, to_u64, u32_at, u64_at};
use crate::guid::Guid;

/// Where its two copies stand.
pub(super) const PLACES: [u64; 2] = [192 << 10, 256 << 10];
/// What a copy takes, and its checksum covers.
const LEN: usize = 64 << 10;
/// \[MS-VHDX\] 2.2.3.1.
const MAX_ENTRIES: u32 = 2047;

/// 2DC27766-F623-4200-9D64-115E9BFD4A08.
pub(super) const BAT: Guid = Guid([
    0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42, 0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08,
]);
/// 8B7CA206-4790-4B9A-B8FE-575F050F886E.
pub(super) const METADATA: Guid = Guid([
    0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e,
]);

const SIGNATURE: Rule = Rule::new("vhdx.region.signature", "[MS-VHDX] 2.2.3.1");
const CHECKSUM: Rule = Rule::new("vhdx.region.checksum", "[MS-VHDX] 2.2.3.1");
const COUNT: Rule = Rule::new("vhdx.region.count", "[MS-VHDX] 2.2.3.1");
const PLACE: Rule = Rule::new("vhdx.region.place", "[MS-VHDX] 2.2.3.2");
const UNIQUE: Rule = Rule::new("vhdx.region.unique", "[MS-VHDX] 2.2.3.2");
const MISSING: Rule = Rule::new("vhdx.region.missing", "[MS-VHDX] 2.2.3.2");

/// One region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) guid: Guid,
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) required: bool,
    /// Where its entry stands.
    pub(super) at: u64,
}

impl Region {
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.length))
    }

    /// How messages call it.
    pub(super) fn name(&self) -> String {
        match self.guid {
            BAT => "BAT".to_owned(),
            METADATA => "metadata region".to_owned(),
            other => format!("region {other}"),
        }
    }

    fn validate(&self, file_len: u64) -> Result<(), Fault> {
        let aligned = self.offset.is_multiple_of(MIB) && u64::from(self.length).is_multiple_of(MIB);
        let end = self.offset.checked_add(u64::from(self.length));
        if aligned && self.offset >= MIB && end.is_some_and(|end| end <= file_len) {
            return Ok(());
        }
        let what = format!(
            "the {} at {:#x} of {:#x} bytes is not a stretch of whole mebibytes behind the header \
             and inside the file of {file_len:#x} bytes",
            self.name(),
            self.offset,
            self.length
        );
        Err(PLACE.broken(self.at, what))
    }

    fn is_known(&self) -> bool {
        self.guid == BAT || self.guid == METADATA
    }
}

/// A valid table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RegionTable {
    pub(super) regions: Vec<Region>,
}

impl RegionTable {
    /// The first copy that is valid.
    pub(super) fn read(file: &dyn BlockRead) -> Result<Self, Fault> {
        let [first, second] = PLACES;
        match Self::read_copy(file, first) {
            Err(Fault::Broken(one)) => Self::read_copy(file, second).map_err(|fault| match fault {
                Fault::Broken(_) => Fault::Broken(one),
                Fault::Read(_) => fault,
            }),
            read => read,
        }
    }

    /// The copy at `place`.
    pub(super) fn read_copy(file: &dyn BlockRead, place: u64) -> Result<Self, Fault> {
        let bytes = read_bytes(file, place, to_u64(LEN), "region table")?;
        if !bytes.starts_with(b"regi") {
            return Err(SIGNATURE.broken(place, "the region table does not begin with regi"));
        }
        let (stated, computed) = (u32_at(&bytes, 4), checksum(&bytes, 4));
        if stated != computed {
            let what =
                format!("the region table's checksum is {stated:#x} instead of {computed:#x}");
            return Err(CHECKSUM.broken(place, what));
        }
        let count = u32_at(&bytes, 8);
        if count > MAX_ENTRIES {
            let what = format!("the region table has {count} entries, more than {MAX_ENTRIES}");
            return Err(COUNT.broken(place.saturating_add(8), what));
        }
        let (entries, _) = bytes.get(16..).unwrap_or_default().as_chunks::<32>();
        let mut regions = Vec::new();
        let mut at = place.saturating_add(16);
        for (entry, _) in entries.iter().zip(0..count) {
            regions.push(Region {
                guid: guid_at(entry, 0),
                offset: u64_at(entry, 16),
                length: u32_at(entry, 24),
                required: u32_at(entry, 28) & 1 != 0,
                at,
            });
            at = at.saturating_add(32);
        }
        Ok(Self { regions })
    }

    /// What is wrong with its entries, one by one.
    pub(super) fn faults(&self, file_len: u64) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for region in &self.regions {
            if let Err(fault) = region.validate(file_len) {
                faults.push(fault);
            }
            if !seen.insert(region.guid) {
                let what = format!("the {} stands in the table twice", region.name());
                faults.push(UNIQUE.broken(region.at, what));
            }
            if region.required && !region.is_known() {
                let what = format!("a required VHDX region {}", region.guid);
                faults.push(unsupported(region.at, what));
            }
        }
        faults
    }

    /// Whether two copies have the same entries.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let plain = |table: &Self| -> Vec<_> {
            let regions = table.regions.iter();
            regions
                .map(|one| (one.guid, one.offset, one.length, one.required))
                .collect()
        };
        plain(self) == plain(other)
    }

    /// The region of this id.
    pub(super) fn find(&self, guid: Guid) -> Result<Region, Fault> {
        let found = self.regions.iter().find(|region| region.guid == guid);
        found.copied().ok_or_else(|| {
            let [first, _] = PLACES;
            MISSING.broken(first, format!("the region table lacks region {guid}"))
        })
    }

    /// The bytes of one copy.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; LEN];
        put(&mut bytes, 0, b"regi");
        let count = u32::try_from(self.regions.len()).expect("a new table has two entries");
        put(&mut bytes, 8, &count.to_le_bytes());
        let (entries, _) = bytes
            .get_mut(16..)
            .unwrap_or_default()
            .as_chunks_mut::<32>();
        for (entry, region) in entries.iter_mut().zip(&self.regions) {
            put(entry, 0, &region.guid.0);
            put(entry, 16, &region.offset.to_le_bytes());
            put(entry, 24, &region.length.to_le_bytes());
            put(entry, 28, &u32::from(region.required).to_le_bytes());
        }
        let sum = checksum(&bytes, 4);
        put(&mut bytes, 4, &sum.to_le_bytes());
        bytes
    }
}
