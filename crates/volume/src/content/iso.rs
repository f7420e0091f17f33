//! ISO 9660. [ECMA-119] 8.4: the primary volume descriptor.

use detente_block::{ReadError, Window};

use super::Content;
use crate::fields::{has, read_if_inside};

/// Sector 16.
const DESCRIPTOR_AT: u64 = 32_768;

pub(super) fn identify(window: &Window) -> Result<Option<Content>, ReadError> {
    let Some(descriptor) = read_if_inside(window, DESCRIPTOR_AT, 2048)? else {
        return Ok(None);
    };
    if !has(&descriptor, 1, b"CD001") {
        return Ok(None);
    }
    // `blkid` makes the identity of the date of modification, else of creation.
    let uuid = date(&descriptor, 830).or_else(|| date(&descriptor, 813));
    Ok(Some(Content::Other {
        kind: "iso9660",
        uuid,
    }))
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
