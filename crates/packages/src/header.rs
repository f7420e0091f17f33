//! The header of an RPM package, as its databases keep it: two counts, an index, data.
//!
//! \[RPM\] "Package format", section "Header structure": all numbers are big-endian. In a database
//! the eight bytes of magic number and padding in front are left out.

use crate::error::{Corruption, DatabaseError};
use crate::limits::MAX_VALUE_BYTES;
use crate::package::{Package, State};
use crate::record::Record;

/// Bytes of the two counts.
const COUNTS_BYTES: u64 = 8;
/// Bytes of an index entry: tag, type, offset, count.
const ENTRY_BYTES: u64 = 16;
/// The most index entries that rpm itself accepts.
const MAX_ENTRIES: u32 = 0xffff;
/// The most data that rpm itself accepts.
const MAX_DATA_BYTES: u32 = 0x0fff_ffff;

const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// The tags that are read. \[RPM\] "Tags".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Name,
    Version,
    Release,
    Epoch,
    Summary,
    InstallTime,
    Size,
    LongSize,
    Vendor,
    Architecture,
    SourceRpm,
}

impl Tag {
    fn of(number: u32) -> Option<Self> {
        Some(match number {
            1000 => Self::Name,
            1001 => Self::Version,
            1002 => Self::Release,
            1003 => Self::Epoch,
            1004 => Self::Summary,
            1008 => Self::InstallTime,
            1009 => Self::Size,
            1011 => Self::Vendor,
            1022 => Self::Architecture,
            1044 => Self::SourceRpm,
            5009 => Self::LongSize,
            _ => return None,
        })
    }
}

/// An index entry that is wanted.
struct Entry {
    number: u32,
    tag: Tag,
    kind: u32,
    at: u32,
}

/// A value of a wanted tag.
enum Value {
    Number(u64),
    Text { text: String, cut: bool },
}

/// Reads a package's header; `record_number` is what the database calls it.
pub(crate) fn parse(mut record: Record<'_>, record_number: u64) -> Result<Package, DatabaseError> {
    let record = &mut record;
    let entries = u32::from_be_bytes(record.array()?);
    let data = u32::from_be_bytes(record.array()?);
    let start = u64::from(entries)
        .saturating_mul(ENTRY_BYTES)
        .saturating_add(COUNTS_BYTES);
    let end = start.saturating_add(u64::from(data));
    if entries > MAX_ENTRIES || data > MAX_DATA_BYTES || end != record.len_bytes() {
        let record_len = record.len_bytes();
        return Err(record.broken(Corruption::HeaderLength {
            entries,
            data,
            record: record_len,
        }));
    }
    let mut package = Package::new(String::new(), "", record_number);
    for entry in wanted(record, entries, data)? {
        let at = start.saturating_add(u64::from(entry.at));
        if at < record.position() {
            return Err(record.broken(outside(&entry, data)));
        }
        record.skip_to(at)?;
        let value = value(record, &entry)?;
        keep(&mut package, &entry, value).map_err(|rule| record.broken(rule))?;
    }
    if package.name.is_empty() {
        return Err(record.broken(Corruption::Missing("a name")));
    }
    if package.version.is_empty() {
        return Err(record.broken(Corruption::Missing("a version")));
    }
    if package.name == "gpg-pubkey" {
        package.state = State::PublicKey;
    }
    Ok(package)
}

fn outside(entry: &Entry, data: u32) -> Corruption {
    Corruption::TagOutside {
        tag: entry.number,
        at: entry.at,
        data,
    }
}

/// The wanted entries of the index, in the order of their data; of a tag that comes twice the first.
fn wanted(record: &mut Record<'_>, entries: u32, data: u32) -> Result<Vec<Entry>, DatabaseError> {
    let mut wanted: Vec<Entry> = Vec::new();
    for _ in 0..entries {
        let number = u32::from_be_bytes(record.array()?);
        let kind = u32::from_be_bytes(record.array()?);
        let at = u32::from_be_bytes(record.array()?);
        let count = u32::from_be_bytes(record.array()?);
        let Some(tag) = Tag::of(number) else {
            continue;
        };
        if count == 0 || wanted.iter().any(|entry| entry.tag == tag) {
            continue;
        }
        let entry = Entry {
            number,
            tag,
            kind,
            at,
        };
        if at >= data {
            return Err(record.broken(outside(&entry, data)));
        }
        wanted.push(entry);
    }
    wanted.sort_by_key(|entry| entry.at);
    Ok(wanted)
}

/// The first value of an entry; of a text in many languages the first is the one of none.
fn value(record: &mut Record<'_>, entry: &Entry) -> Result<Value, DatabaseError> {
    match entry.kind {
        INT32 => Ok(Value::Number(u64::from(u32::from_be_bytes(
            record.array()?,
        )))),
        INT64 => Ok(Value::Number(u64::from_be_bytes(record.array()?))),
        STRING | STRING_ARRAY | I18N_STRING => {
            let (text, cut) = record.text(MAX_VALUE_BYTES)?;
            Ok(Value::Text { text, cut })
        }
        kind => Err(record.broken(Corruption::TagType {
            tag: entry.number,
            kind,
        })),
    }
}

fn keep(package: &mut Package, entry: &Entry, value: Value) -> Result<(), Corruption> {
    match entry.tag {
        Tag::Name => package.name = text(entry, value, "a name")?,
        Tag::Version => package.version = text(entry, value, "a version")?,
        Tag::Release => package.release = Some(text(entry, value, "a release")?),
        Tag::Architecture => package.architecture = Some(text(entry, value, "an architecture")?),
        Tag::SourceRpm => {
            // So keys say that they have none.
            let source = text(entry, value, "a source")?;
            package.source = Some(source).filter(|source| source != "(none)");
        }
        Tag::Vendor => package.vendor = Some(text(entry, value, "a vendor")?),
        Tag::Summary => {
            package.summary = match value {
                Value::Text { text, cut: _ } => Some(text),
                Value::Number(_) => return Err(wrong_type(entry)),
            }
        }
        Tag::Epoch => {
            let epoch = u32::try_from(number(entry, value)?).map_err(|_| wrong_type(entry))?;
            package.epoch = Some(epoch);
        }
        Tag::InstallTime => package.installed_s = i64::try_from(number(entry, value)?).ok(),
        // The long one is there when the short one cannot hold it.
        Tag::LongSize => package.size_bytes = Some(number(entry, value)?),
        Tag::Size => {
            let size = number(entry, value)?;
            package.size_bytes.get_or_insert(size);
        }
    }
    Ok(())
}

fn text(entry: &Entry, value: Value, what: &'static str) -> Result<String, Corruption> {
    match value {
        Value::Text { cut: true, .. } => Err(Corruption::LongText(what)),
        Value::Text { text, cut: false } => Ok(text),
        Value::Number(_) => Err(wrong_type(entry)),
    }
}

fn number(entry: &Entry, value: Value) -> Result<u64, Corruption> {
    match value {
        Value::Number(number) => Ok(number),
        Value::Text { .. } => Err(wrong_type(entry)),
    }
}

fn wrong_type(entry: &Entry) -> Corruption {
    Corruption::TagType {
        tag: entry.number,
        kind: entry.kind,
    }
}
