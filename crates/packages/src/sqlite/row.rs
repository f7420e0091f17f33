//! The columns of a row. \[SQLite\] 2.1.

use std::ops::ControlFlow;

use super::payload::Payload;
use super::tree::varint;
use crate::error::{Corruption, DatabaseError};
use crate::limits::MAX_VALUE_BYTES;
use crate::record::Record;
use crate::rpm::RecordVisitor;

/// A column, by its serial type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    /// A number of that many bytes, big-endian; NULL and the constants have none.
    Number(u8),
    Blob(u64),
    Text(u64),
}

impl Column {
    fn of(serial: u64) -> Option<Self> {
        Some(match serial {
            0 | 8 | 9 => Self::Number(0),
            1 => Self::Number(1),
            2 => Self::Number(2),
            3 => Self::Number(3),
            4 => Self::Number(4),
            5 => Self::Number(6),
            6 | 7 => Self::Number(8),
            10 | 11 => return None,
            more if more & 1 == 0 => Self::Blob(more.saturating_sub(12) >> 1),
            more => Self::Text(more.saturating_sub(13) >> 1),
        })
    }

    fn len(self) -> u64 {
        match self {
            Self::Number(len) => u64::from(len),
            Self::Blob(len) | Self::Text(len) => len,
        }
    }
}

/// The first `N` columns of a row, whose values begin where the record then stands.
fn columns<const N: usize>(record: &mut Record<'_>) -> Result<Option<[Column; N]>, DatabaseError> {
    let header = number(record)?;
    let mut columns = [Column::Number(0); N];
    for column in &mut columns {
        if record.position() >= header {
            return Ok(None);
        }
        match Column::of(number(record)?) {
            Some(found) => *column = found,
            None => return Ok(None),
        }
    }
    record.skip_to(header)?;
    Ok(Some(columns))
}

/// A variable-length number at the record's place.
fn number(record: &mut Record<'_>) -> Result<u64, DatabaseError> {
    let mut bytes = [0; 9];
    for count in 1..=bytes.len() {
        let [byte] = record.array()?;
        if let Some(place) = bytes.get_mut(count.saturating_sub(1)) {
            *place = byte;
        }
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok(varint(&bytes).map_or(0, |(value, _)| value))
}

/// Name and root page of a table; `None` for what else the schema has. \[SQLite\] 2.6: the
/// columns are type, name, table, root page, text.
pub(super) fn table(record: &mut Record<'_>) -> Result<Option<(String, u32)>, DatabaseError> {
    let Some([kind, name, table, root]) = columns(record)? else {
        return Ok(None);
    };
    let (Column::Text(_), Column::Text(_), Column::Text(_), Column::Number(_)) =
        (kind, name, table, root)
    else {
        return Ok(None);
    };
    let most = u64::try_from(MAX_VALUE_BYTES).unwrap_or(0);
    if kind.len() > most || name.len() > most {
        return Ok(None);
    }
    let short = |len: u64| usize::try_from(len).unwrap_or(0);
    if record.bytes(short(kind.len()))? != b"table" {
        return Ok(None);
    }
    let name = record.bytes(short(name.len()))?;
    record.skip_to(record.position().saturating_add(table.len()))?;
    let page = record
        .bytes(short(root.len()))?
        .iter()
        .fold(0_u64, |sum, &byte| (sum << 8) | u64::from(byte));
    let name = String::from_utf8_lossy(&name).into_owned();
    Ok(u32::try_from(page).ok().map(|page| (name, page)))
}

/// Hands the blob of a row of `Packages` on. rpm's columns are the number, which is the row's own
/// and therefore NULL here, and the blob.
pub(super) fn visit_blob(
    payload: &mut Payload<'_, '_>,
    number: u64,
    visit: &mut RecordVisitor<'_>,
) -> Result<ControlFlow<()>, DatabaseError> {
    let (len, offset) = (payload.len_bytes(), payload.offset());
    let record = Record::new(payload, len, offset);
    visit(number, blob(record, number))
}

fn blob(mut record: Record<'_>, number: u64) -> Result<Record<'_>, DatabaseError> {
    let Some([hnum @ Column::Number(_), Column::Blob(blob)]) = columns(&mut record)? else {
        return Err(record.broken(Corruption::NoBlob(number)));
    };
    record.skip_to(record.position().saturating_add(hnum.len()))?;
    Ok(record.rest(blob))
}
