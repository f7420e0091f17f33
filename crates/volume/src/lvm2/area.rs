//! An area of metadata: a header, and a ring of texts of which the newest counts.

use detente_block::{BlockRead as _, ReadError, Window};

use super::checksum;
use super::group::Group;
use crate::fields::{has, le32, le64, read_if_inside};

/// \[LVM2\] `MDA_HEADER_SIZE`.
const HEADER_BYTES: u64 = 512;
/// Volume groups with thousands of volumes have a tenth of it.
const MAX_TEXT_BYTES: u64 = 4 << 20;
/// \[LVM2\] `RAW_LOCN_IGNORED`: the text is stale on purpose.
const IGNORED: u32 = 1;

/// The group that the area at `offset` describes; none if it is empty.
pub(super) fn read(
    window: &Window,
    offset: u64,
) -> Result<Result<Option<Group>, String>, ReadError> {
    let Some(header) = read_if_inside(window, offset, 512)? else {
        return Ok(Err("it lies outside the volume".to_owned()));
    };
    let ring = match Ring::parse(&header, offset) {
        Ok(Some(ring)) => ring,
        Ok(None) => return Ok(Ok(None)),
        Err(rule) => return Ok(Err(rule.to_owned())),
    };
    let Some(bytes) = ring.text(window)? else {
        return Ok(Err("its text lies outside the volume".to_owned()));
    };
    if checksum(&bytes) != ring.crc {
        return Ok(Err("the checksum of its text is wrong".to_owned()));
    }
    let end = bytes.iter().position(|&byte| byte == 0);
    let text = String::from_utf8_lossy(bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default());
    Ok(Group::parse(&text).map(Some))
}

/// Where the newest text stands.
struct Ring {
    start: u64,
    size: u64,
    offset: u64,
    len: u64,
    crc: u32,
}

impl Ring {
    /// \[LVM2\] `struct mda_header` and its first `raw_locn`.
    fn parse(header: &[u8], at: u64) -> Result<Option<Self>, &'static str> {
        let covered = header.get(4..).unwrap_or_default();
        if le32(header, 0) != Some(checksum(covered)) {
            return Err("the checksum of its header is wrong");
        }
        if !has(header, 4, b" LVM2 x[5A%r0N*>") || le32(header, 20) != Some(1) {
            return Err("it has another format");
        }
        let field = |at| le64(header, at).ok_or("its header is short");
        let ring = Self {
            start: field(24)?,
            size: field(32)?,
            offset: field(40)?,
            len: field(48)?,
            crc: le32(header, 56).ok_or("its header is short")?,
        };
        let flags = le32(header, 60).ok_or("its header is short")?;
        if ring.offset == 0 || ring.len == 0 || flags & IGNORED != 0 {
            return Ok(None);
        }
        if ring.start != at {
            return Err("it says that it belongs elsewhere");
        }
        if ring.len > MAX_TEXT_BYTES {
            return Err("its text is longer than we read");
        }
        let inside = ring.offset >= HEADER_BYTES
            && ring.offset < ring.size
            && ring.len <= ring.size.saturating_sub(HEADER_BYTES);
        if !inside {
            return Err("its text lies outside the area");
        }
        Ok(Some(ring))
    }

    /// The text; it may go on behind the header when it meets the end of the area.
    fn text(&self, window: &Window) -> Result<Option<Vec<u8>>, ReadError> {
        let first = self.len.min(self.size.saturating_sub(self.offset));
        let end = self.start.checked_add(self.size);
        if end.is_none_or(|end| end > window.len_bytes()) {
            return Ok(None);
        }
        let part = |at: u64, len: u64| {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            read_if_inside(window, self.start.saturating_add(at), len)
        };
        let Some(mut bytes) = part(self.offset, first)? else {
            return Ok(None);
        };
        let Some(rest) = part(HEADER_BYTES, self.len.saturating_sub(first))? else {
            return Ok(None);
        };
        bytes.extend(rest);
        Ok(Some(bytes))
    }
}
