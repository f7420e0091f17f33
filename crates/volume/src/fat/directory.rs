//! Directory entries.

use super::name::{LongName, short_name};
use crate::FileKind;
use crate::date::days_since_1970;
use crate::fields::{le16, le32};

/// \[FAT\] 6: each entry is this long.
const ENTRY_BYTES: usize = 32;

/// A name with what it stands for.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) short: String,
    pub(super) kind: FileKind,
    pub(super) is_read_only: bool,
    pub(super) cluster: u32,
    pub(super) len: u32,
    pub(super) modified_s: i64,
}

/// What a directory says.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) entries: Vec<Entry>,
    pub(super) label: Option<String>,
}

/// Reads the entries up to the end mark.
pub(super) fn parse(bytes: &[u8]) -> Listing {
    let mut listing = Listing::default();
    let mut long = LongName::default();
    for raw in bytes.chunks_exact(ENTRY_BYTES) {
        let (Some(&first), Some(&attributes)) = (raw.first(), raw.get(11)) else {
            break;
        };
        match (first, attributes & 0x3f) {
            (0, _) => break,
            (0xe5, _) => long = LongName::default(),
            (_, 0x0f) => long.push(raw),
            // A volume label.
            (_, bits) if bits & 0x08 != 0 => {
                listing.label = listing.label.or_else(|| label(raw));
                long = LongName::default();
            }
            (_, bits) => listing.entries.extend(entry(raw, bits, &mut long)),
        }
    }
    listing
}

/// `None` for `.` and `..`.
fn entry(raw: &[u8], attributes: u8, long: &mut LongName) -> Option<Entry> {
    let short = short_name(raw)?;
    let name = long.take(raw).unwrap_or_else(|| short.clone());
    if matches!(short.as_str(), "." | "..") || name.contains('/') {
        return None;
    }
    let high = u32::from(le16(raw, 20)?);
    let kind = if attributes & 0x10 != 0 {
        FileKind::Directory
    } else {
        FileKind::File
    };
    Some(Entry {
        name,
        short,
        kind,
        is_read_only: attributes & 0x01 != 0,
        cluster: high << 16 | u32::from(le16(raw, 26)?),
        len: le32(raw, 28)?,
        modified_s: seconds(le16(raw, 24)?, le16(raw, 22)?),
    })
}

fn label(raw: &[u8]) -> Option<String> {
    let label = String::from_utf8_lossy(raw.get(..11)?)
        .trim_end()
        .to_owned();
    Some(label).filter(|label| !label.is_empty())
}

/// Seconds since 1970 of a FAT date and time, which are local time and taken for UTC.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "every operand has at most 16 bits"
)]
fn seconds(date: u16, time: u16) -> i64 {
    let [month, day] = [date >> 5 & 15, date & 31].map(|field| u8::try_from(field).unwrap_or(0));
    let year = 1980 + (date >> 9);
    if month == 0 || day == 0 {
        return 0;
    }
    let seconds =
        i64::from(time >> 11) * 3600 + i64::from(time >> 5 & 63) * 60 + i64::from(time & 31) * 2;
    days_since_1970(year, month, day) * 86_400 + seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_count_from_1970() {
        // `date -u -d '2024-02-29 12:34:56' +%s`
        let date = (2024 - 1980) << 9 | 2 << 5 | 29;
        let time = 12 << 11 | 34 << 5 | 28;
        assert_eq!(seconds(date, time), 1_709_210_096);
        assert_eq!(seconds(0, 0), 0);
    }
}
