//! LZO1X as btrfs uses it.
//!
//! An extent starts with its packed length; then each sector of content stands for itself, behind
//! its own packed length. Such a length never crosses a sector's border.

use crate::fields::le32;

/// How long a length field is.
const LEN_BYTES: usize = 4;

/// Unpacks a whole extent; says how much of `out` was filled. `None`: it is not LZO.
pub(super) fn unpack(packed: &[u8], sector_bytes: u64, out: &mut [u8]) -> Option<usize> {
    let sector = usize::try_from(sector_bytes).ok()?;
    let end = usize::try_from(le32(packed, 0)?).ok()?;
    let packed = packed.get(..end)?;
    let (mut at, mut filled) = (LEN_BYTES, 0_usize);
    while at < end && filled < out.len() {
        let left = sector.checked_sub(at.checked_rem(sector)?)?;
        if left < LEN_BYTES {
            at = at.checked_add(left)?;
        }
        let len = usize::try_from(le32(packed, at)?).ok()?;
        at = at.checked_add(LEN_BYTES)?;
        let piece = packed.get(at..at.checked_add(len)?)?;
        at = at.checked_add(len)?;
        let room = out.get_mut(filled..)?;
        let most = room.len().min(sector);
        let unpacked = detente_lzo::unpack(piece, room.get_mut(..most)?).ok()?;
        filled = filled.checked_add(unpacked)?;
    }
    Some(filled)
}
