//! GUID partition table. \[UEFI\] 5.3.

use detente_block::{BlockRead, ReadError};

use super::layout::{Layout, Partition};
use crate::fields::{array, guid, has, le16, le32, le64, read_if_inside};

/// \[UEFI\] 5.3.2: the header is at least this long.
const HEADER_BYTES: usize = 92;
/// 8192 entries of 128 bytes; tools make 128 of them.
const MAX_TABLE_BYTES: u64 = 1024 * 1024;

/// A header whose checksums hold, with its entries.
struct Table {
    sector: u64,
    /// Where the other header is, in bytes.
    other: u64,
    /// First and last sector for partitions, and the disk's GUID: the same in both headers.
    shared: [u8; 32],
    entry_bytes: usize,
    entries: Vec<u8>,
}

/// Why a header was not taken.
enum Flaw {
    /// There is no signature: perhaps no GPT at all.
    Absent,
    /// There is one, and this rule is broken.
    Broken(&'static str),
}

/// Adds the partitions of a GPT to `layout`; false when the disk has none.
pub(super) fn read(disk: &dyn BlockRead, layout: &mut Layout<'_>) -> Result<bool, ReadError> {
    let mut claimed = false;
    for sector in [512_u64, 4096] {
        let primary = match load(disk, sector, sector)? {
            Ok(table) => {
                note_backup(disk, &table, layout)?;
                add_entries(&table, layout);
                return Ok(true);
            }
            Err(flaw) => flaw,
        };
        let backup = match backup(disk, sector) {
            Some(offset) => load(disk, offset, sector)?,
            None => Err(Flaw::Absent),
        };
        let missing = backup.is_ok().then_some("it is missing");
        if let Some(rule) = primary.rule().or(missing) {
            layout.note(format!("primary GPT header not used: {rule}"));
        }
        claimed |= primary.rule().is_some();
        match backup {
            Ok(table) => {
                add_entries(&table, layout);
                return Ok(true);
            }
            Err(Flaw::Absent) => {}
            Err(Flaw::Broken(rule)) => {
                claimed = true;
                layout.note(format!("backup GPT header not used: {rule}"));
            }
        }
    }
    if claimed {
        layout.note("no GPT header is sound: partitions unknown");
    }
    Ok(claimed)
}

impl Flaw {
    /// The rule that is broken.
    fn rule(&self) -> Option<&'static str> {
        match self {
            Self::Absent => None,
            Self::Broken(rule) => Some(rule),
        }
    }
}

/// Says in what the other header differs from the one that is used. It is where that says, which
/// is not the end of a disk that has grown.
fn note_backup(
    disk: &dyn BlockRead,
    primary: &Table,
    layout: &mut Layout<'_>,
) -> Result<(), ReadError> {
    let backup = match load(disk, primary.other, primary.sector)? {
        Ok(backup) => backup,
        Err(flaw) => {
            let rule = flaw.rule().unwrap_or("it is missing");
            layout.note(format!("backup GPT header not used: {rule}"));
            return Ok(());
        }
    };
    if backup.entries != primary.entries || backup.entry_bytes != primary.entry_bytes {
        layout.note("backup GPT header not used: its partitions are not those of the primary");
    } else if backup.shared != primary.shared {
        layout.note("backup GPT header not used: it is of another disk than the primary");
    }
    Ok(())
}

/// The last whole sector.
fn backup(disk: &dyn BlockRead, sector: u64) -> Option<u64> {
    disk.len_bytes()
        .checked_div(sector)?
        .checked_sub(1)?
        .checked_mul(sector)
}

/// Reads and proves the header at `offset` and its entries.
fn load(disk: &dyn BlockRead, offset: u64, sector: u64) -> Result<Result<Table, Flaw>, ReadError> {
    let len = usize::try_from(sector).unwrap_or(512);
    let Some(header) = read_if_inside(disk, offset, len)? else {
        return Ok(Err(Flaw::Absent));
    };
    let (place, entry_bytes, array_crc, total) = match parse(&header, offset, sector) {
        Ok(parsed) => parsed,
        Err(flaw) => return Ok(Err(flaw)),
    };
    // The header was found to be long enough.
    let other = le64(&header, 32).unwrap_or(0).saturating_mul(sector);
    let shared = array(&header, 40).unwrap_or([0; 32]);
    let Some(entries) = read_if_inside(disk, place, total)? else {
        return Ok(Err(Flaw::Broken("its entries lie outside the disk")));
    };
    if crc32fast::hash(&entries) != array_crc {
        return Ok(Err(Flaw::Broken("the checksum of its entries is wrong")));
    }
    Ok(Ok(Table {
        sector,
        other,
        shared,
        entry_bytes,
        entries,
    }))
}

/// Where the entries are: offset, size of each, checksum of all, size of all.
fn parse(header: &[u8], offset: u64, sector: u64) -> Result<(u64, usize, u32, usize), Flaw> {
    if !has(header, 0, b"EFI PART") {
        return Err(Flaw::Absent);
    }
    let short = || Flaw::Broken("it is shorter than a header");
    let size = usize::try_from(le32(header, 12).ok_or_else(short)?).map_err(|_| short())?;
    if size < HEADER_BYTES {
        return Err(short());
    }
    let mut covered = header
        .get(..size)
        .ok_or(Flaw::Broken("it claims to be longer than a sector"))?
        .to_vec();
    covered.get_mut(16..20).ok_or_else(short)?.fill(0);
    if Some(crc32fast::hash(&covered)) != le32(header, 16) {
        return Err(Flaw::Broken("its checksum is wrong"));
    }
    if le64(header, 24).and_then(|lba| lba.checked_mul(sector)) != Some(offset) {
        return Err(Flaw::Broken("it says that it belongs elsewhere"));
    }
    let place = le64(header, 72).and_then(|lba| lba.checked_mul(sector));
    let place = place.ok_or(Flaw::Broken("its entries lie outside the disk"))?;
    let count = le32(header, 80).ok_or_else(short)?;
    let entry_bytes = le32(header, 84).ok_or_else(short)?;
    // [UEFI] 5.3.2: 128 times a power of two.
    if entry_bytes < 128 || !entry_bytes.is_power_of_two() {
        return Err(Flaw::Broken("the size of its entries is not allowed"));
    }
    let total = u64::from(count).saturating_mul(u64::from(entry_bytes));
    if total > MAX_TABLE_BYTES {
        return Err(Flaw::Broken("it has more entries than we read"));
    }
    let crc = le32(header, 88).ok_or_else(short)?;
    let total = usize::try_from(total).map_err(|_| short())?;
    Ok((
        place,
        usize::try_from(entry_bytes).map_err(|_| short())?,
        crc,
        total,
    ))
}

fn add_entries(table: &Table, layout: &mut Layout<'_>) {
    for (number, entry) in (1_u32..).zip(table.entries.chunks_exact(table.entry_bytes)) {
        // [UEFI] 5.3.3: a type of zero marks an unused entry.
        if has(entry, 0, &[0; 16]) {
            continue;
        }
        match partition(number, entry, table.sector) {
            Some(partition) => layout.add(partition),
            None => layout.note(format!(
                "partition {number} left out: it ends before it starts"
            )),
        }
    }
}

fn partition(number: u32, entry: &[u8], sector: u64) -> Option<Partition> {
    let (first, last) = (le64(entry, 32)?, le64(entry, 40)?);
    let sectors = last.checked_sub(first)?.checked_add(1)?;
    let units =
        (0_usize..36).filter_map(|index| le16(entry, index.checked_mul(2)?.checked_add(56)?));
    let units = units.take_while(|&unit| unit != 0);
    let name: String = char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    Some(Partition {
        number,
        // Saturated values lie outside every disk, which the layout notices.
        start: first.saturating_mul(sector),
        len: sectors.saturating_mul(sector),
        type_id: guid(entry, 0)?,
        partuuid: Some(guid(entry, 16)?),
        name: Some(name).filter(|name| !name.is_empty()),
    })
}
