//! The tags of a descriptor block: which blocks the copies that follow it belong to.

use super::header::Features;
use crate::fields::{be16, be32};

const ESCAPED: u32 = 1;
const SAME_UUID: u32 = 2;
const LAST: u32 = 8;

/// One copy.
pub(super) struct Tag {
    /// The block of the file system that it is a copy of.
    pub(super) block: u64,
    /// Its first four bytes were the journal's magic number, and are zero in the copy.
    pub(super) is_escaped: bool,
}

/// Every tag of a descriptor block; their number is bounded by the block's size.
pub(super) fn parse(bytes: &[u8], features: Features) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut at = 12_usize;
    let tail = if features.has_checksums() { 4 } else { 0 };
    let end = bytes.len().saturating_sub(tail);
    let size = tag_bytes(features);
    while at.saturating_add(size) <= end {
        let Some((block, flags)) = fields(bytes, at, features) else {
            break;
        };
        tags.push(Tag {
            block,
            is_escaped: flags & ESCAPED != 0,
        });
        if flags & LAST != 0 {
            break;
        }
        let uuid = if flags & SAME_UUID == 0 { 16 } else { 0 };
        at = at.saturating_add(size).saturating_add(uuid);
    }
    tags
}

/// \[jbd2\] `journal_tag_bytes`.
fn tag_bytes(features: Features) -> usize {
    match (features.is_v3(), features.is_v2(), features.is_64_bit()) {
        (true, _, _) => 16,
        (false, true, true) => 14,
        (false, false, true) => 12,
        (false, true, false) => 10,
        (false, false, false) => 8,
    }
}

/// Block number and flags.
fn fields(bytes: &[u8], at: usize, features: Features) -> Option<(u64, u32)> {
    let low = u64::from(be32(bytes, at)?);
    let high = u64::from(be32(bytes, at.checked_add(8)?).unwrap_or(0)) << 32;
    let block = if features.is_64_bit() {
        high | low
    } else {
        low
    };
    let flags = if features.is_v3() {
        be32(bytes, at.checked_add(4)?)?
    } else {
        u32::from(be16(bytes, at.checked_add(6)?)?)
    };
    Some((block, flags))
}
