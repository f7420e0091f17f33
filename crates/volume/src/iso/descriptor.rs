//! The descriptors from sector 16 on. \[ECMA-119\] 8.

use detente_block::{BlockRead, ReadError};

use super::record::Record;
use super::{Pages, corrupt, name, unsupported};
use crate::FsError;
use crate::fields::{has, le16, le32, read_if_inside, text};

const SECTOR: u64 = 2048;
const FIRST: u64 = 16;
/// More than any tool writes; a set that does not end has as many.
const MAX_DESCRIPTORS: u64 = 64;

/// Where everything starts.
pub(super) struct Descriptors {
    pub(super) block_bytes: u64,
    /// The block of the root.
    pub(super) root: u32,
    /// The same for names in UTF-16.
    pub(super) joliet: Option<u32>,
    /// In bytes.
    pub(super) boot_catalog: Option<u64>,
}

impl Descriptors {
    pub(super) fn read(pages: &Pages) -> Result<Self, FsError> {
        let mut primary = None;
        let (mut joliet, mut boot_catalog) = (None, None);
        for sector in FIRST..FIRST.saturating_add(MAX_DESCRIPTORS) {
            let mut bytes = [0; 2048];
            pages.read(sector.saturating_mul(SECTOR), &mut bytes)?;
            if !has(&bytes, 1, b"CD001") {
                break;
            }
            match bytes.first() {
                Some(0) => boot_catalog = boot_catalog.or_else(|| catalog(&bytes)),
                Some(1) if primary.is_none() => {
                    primary = Some((block_bytes(&bytes)?, root(&bytes)?))
                }
                Some(2) if is_joliet(&bytes) && joliet.is_none() => joliet = Some(root(&bytes)?),
                Some(255) => break,
                _ => {}
            }
        }
        let (block_bytes, root) =
            primary.ok_or_else(|| corrupt("it has no primary volume descriptor"))?;
        Ok(Self {
            block_bytes,
            root,
            joliet,
            boot_catalog,
        })
    }
}

/// \[ECMA-119\] 6.2.2: a power of two, from 512 to the size of a sector.
fn block_bytes(descriptor: &[u8]) -> Result<u64, FsError> {
    let bytes = le16(descriptor, 128).unwrap_or(0);
    match bytes {
        512 | 1024 | 2048 => Ok(u64::from(bytes)),
        0 => Err(corrupt("its blocks have no size")),
        other if other.is_power_of_two() => Err(unsupported(format!("blocks of {other} bytes"))),
        other => Err(corrupt(format!("its blocks have {other} bytes"))),
    }
}

/// \[ECMA-119\] 8.4.18: the record of the root.
fn root(descriptor: &[u8]) -> Result<u32, FsError> {
    let record = descriptor.get(156..190).and_then(Record::parse);
    let record = record.ok_or_else(|| corrupt("a descriptor has no record of the root"))?;
    if !record.is_directory() {
        return Err(corrupt("its root is no directory"));
    }
    Ok(record.first_block())
}

/// \[Joliet\] 2: the escape sequences of UCS-2 at levels 1 to 3.
fn is_joliet(descriptor: &[u8]) -> bool {
    [b"%/@", b"%/C", b"%/E"]
        .iter()
        .any(|level| has(descriptor, 88, *level))
}

/// \[El Torito\] figure 7: the sector of the catalog.
fn catalog(descriptor: &[u8]) -> Option<u64> {
    if !has(descriptor, 7, b"EL TORITO SPECIFICATION") {
        return None;
    }
    Some(u64::from(le32(descriptor, 71)?).saturating_mul(SECTOR))
}

/// Identity and label as `blkid` prints them; `None` if it is no ISO 9660.
pub(crate) fn identity(
    window: &dyn BlockRead,
) -> Result<Option<(Option<String>, String)>, ReadError> {
    let mut found = None;
    for sector in FIRST..FIRST.saturating_add(MAX_DESCRIPTORS) {
        let descriptor = read_if_inside(window, sector.saturating_mul(SECTOR), 2048)?;
        let Some(descriptor) = descriptor.filter(|bytes| has(bytes, 1, b"CD001")) else {
            break;
        };
        match (descriptor.first(), &mut found) {
            (Some(1), None) => {
                // The date of modification, else of creation.
                let uuid = date(&descriptor, 830).or_else(|| date(&descriptor, 813));
                found = Some((uuid, text(&descriptor, 40, 32).unwrap_or_default()));
            }
            (Some(2), Some((_, label))) if is_joliet(&descriptor) => {
                let own = descriptor.get(40..72).unwrap_or_default();
                let own = String::from_utf8_lossy(&name::joliet_text(own)).into_owned();
                let own = own.trim_end_matches(['\0', ' ']);
                *label = joined(label, own);
            }
            (Some(255), _) => break,
            _ => {}
        }
    }
    Ok(found)
}

/// Joliet's label has what the plain one cannot spell, which has twice the room.
fn joined(plain: &str, joliet: &str) -> String {
    let same = |(own, other): (char, char)| own == '_' || own.eq_ignore_ascii_case(&other);
    if joliet.is_empty() || (plain.len() > 16 && plain.chars().zip(joliet.chars()).all(same)) {
        plain.to_owned()
    } else {
        joliet.to_owned()
    }
}

/// `YYYYMMDDHHMMSSss` with hyphens; `None` if it was not set (all zeros).
fn date(descriptor: &[u8], at: usize) -> Option<String> {
    let digits = descriptor.get(at..at.checked_add(16)?)?;
    let digits = std::str::from_utf8(digits).ok()?;
    if !digits.bytes().all(|digit| digit.is_ascii_digit())
        || digits.bytes().all(|digit| digit == b'0')
    {
        return None;
    }
    let (year, rest) = digits.split_at_checked(4)?;
    let mut out = year.to_owned();
    for pair in rest.as_bytes().chunks_exact(2) {
        out.push('-');
        out.push_str(std::str::from_utf8(pair).ok()?);
    }
    Some(out)
}
