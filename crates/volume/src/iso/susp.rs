//! The entries in the system use area of a record. \[SUSP\] 4.

use super::{Iso, corrupt};
use crate::FsError;
use crate::fields::le32;

/// How often one record's entries may go on elsewhere. Linux follows as many.
const MAX_CONTINUATIONS: u32 = 32;
/// \[SUSP\] 5.1: a continuation lies in one block.
const MAX_AREA_BYTES: u32 = 2048;
/// What the names and links of one directory may have elsewhere.
pub(super) const MAX_ELSEWHERE_BYTES: u32 = 4 << 20;

/// One entry: its name, and what follows length and version.
pub(super) struct Entry<'b> {
    pub(super) signature: [u8; 2],
    pub(super) data: &'b [u8],
}

impl Iso {
    /// Gives each entry of `area` to `visit`, and those that follow it elsewhere. `left` is how many
    /// bytes may be read there.
    pub(super) fn each_entry(
        &self,
        area: &[u8],
        left: &mut u32,
        mut visit: impl FnMut(&Entry<'_>) -> Result<(), FsError>,
    ) -> Result<(), FsError> {
        let mut next = walk(area, &mut visit)?;
        for _ in 0..MAX_CONTINUATIONS {
            let Some(Continuation { block, offset, len }) = next else {
                return Ok(());
            };
            if len > MAX_AREA_BYTES {
                return Err(corrupt("a record goes on for longer than a block"));
            }
            *left = left
                .checked_sub(len)
                .ok_or_else(|| corrupt("the records of a directory go on for too long"))?;
            let place = self.offset(block)?.checked_add(u64::from(offset));
            let place = place.ok_or_else(outside)?;
            let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
            if place.saturating_add(u64::from(len)) > self.pages.len_bytes() {
                return Err(outside());
            }
            self.pages.read(place, &mut bytes)?;
            next = walk(&bytes, &mut visit)?;
        }
        match next {
            None => Ok(()),
            Some(_) => Err(corrupt("a record goes on too often")),
        }
    }

    /// The byte where a block starts, which lies on the volume.
    pub(super) fn offset(&self, block: u32) -> Result<u64, FsError> {
        let offset = u64::from(block).saturating_mul(self.block_bytes);
        if offset > self.pages.len_bytes() {
            return Err(outside());
        }
        Ok(offset)
    }
}

fn outside() -> FsError {
    corrupt("something lies outside the volume")
}

/// Where entries go on. \[SUSP\] 5.1: numbers in both orders.
struct Continuation {
    block: u32,
    offset: u32,
    len: u32,
}

fn walk(
    area: &[u8],
    visit: &mut impl FnMut(&Entry<'_>) -> Result<(), FsError>,
) -> Result<Option<Continuation>, FsError> {
    let mut rest = area;
    let mut next = None;
    // [SUSP] 4: what is shorter than an entry is padding, and so are zeros.
    while let Some(&[one, two, len, _version]) = rest.first_chunk() {
        let signature = [one, two];
        if one == 0 || signature == *b"ST" {
            break;
        }
        let (entry, later) = rest
            .split_at_checked(usize::from(len))
            .ok_or_else(|| corrupt("an entry of a record goes past it"))?;
        let data = entry
            .get(4..)
            .ok_or_else(|| corrupt("an entry of a record is shorter than its head"))?;
        if signature == *b"CE" {
            next = continuation(data);
        }
        visit(&Entry { signature, data })?;
        rest = later;
    }
    Ok(next)
}

fn continuation(data: &[u8]) -> Option<Continuation> {
    Some(Continuation {
        block: le32(data, 0)?,
        offset: le32(data, 8)?,
        len: le32(data, 16)?,
    })
}
