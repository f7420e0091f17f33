//! Header extensions: [qcow2] "Header extensions". Of all of them one matters to a reader here.

use detente_block::{BlockRead, ReadError};

use super::field::{Fields, read_bytes, to_u64};
use super::{corrupt, unsupported};
use crate::Format;

/// "End of the header extension area".
const END: u32 = 0;
/// "Backing file format name string".
pub(super) const BACKING_FORMAT: u32 = 0xe279_2aca;
/// `bdrv_get_format_name` gives names far below this.
const MAX_NAME_BYTES: usize = 64;

/// The stated format of the backing file, from the extensions between `start` and `end`.
pub(super) fn backing_format(
    file: &dyn BlockRead,
    start: u32,
    end: u64,
) -> Result<Option<Format>, ReadError> {
    let start = u64::from(start);
    let Some(len) = end.checked_sub(start) else {
        return Err(corrupt(8, "the backing file's name lies inside the header"));
    };
    let area = read_bytes(file, start, len)?;
    let mut rest = area.as_slice();
    // Each turn takes at least the eight bytes of an extension's head.
    while rest.len() >= 8 {
        let offset = end.saturating_sub(to_u64(rest.len()));
        let fields = Fields {
            bytes: rest,
            start: offset,
        };
        let kind = fields.u32(0)?;
        if kind == END {
            break;
        }
        let (data, after) = split(rest, fields.u32(4)?)
            .ok_or_else(|| corrupt(offset, "a header extension goes past the area"))?;
        if kind == BACKING_FORMAT {
            return parse_format(data, offset).map(Some);
        }
        rest = after;
    }
    Ok(None)
}

/// The extension's data, and what follows its padding to eight bytes.
fn split(extension: &[u8], length: u32) -> Option<(&[u8], &[u8])> {
    let length = usize::try_from(length).ok()?;
    let body = extension.get(8..)?;
    let data = body.get(..length)?;
    let padded = length.checked_next_multiple_of(8)?;
    Some((data, body.get(padded..).unwrap_or_default()))
}

fn parse_format(name: &[u8], offset: u64) -> Result<Format, ReadError> {
    match name {
        b"raw" => Ok(Format::Raw),
        b"qcow2" => Ok(Format::Qcow2),
        other => {
            let shown = other.get(..MAX_NAME_BYTES).unwrap_or(other);
            let name = String::from_utf8_lossy(shown);
            Err(unsupported(
                offset,
                format!("a backing file of format {name:?}"),
            ))
        }
    }
}
