//! Layers that hold other content: software RAID, encryption, LVM.

use detente_block::{BlockRead, ReadError, Window};

use super::{Content, other};
use crate::fields::{array, be16, has, le32, read_if_inside, text, uuid};

/// `MD_SB_MAGIC`, little-endian.
const MD_MAGIC: [u8; 4] = 0xa92b_4efc_u32.to_le_bytes();

pub(super) fn identify(window: &Window, head: &[u8]) -> Result<Option<Content>, ReadError> {
    if let Some(content) = raid(window, head)? {
        return Ok(Some(content));
    }
    Ok(luks(head)
        .or_else(|| lvm(head))
        .or_else(|| other(head, (3, b"-FVE-FS-"), "BitLocker", || None)))
}

/// Version 1.1 stands at the start, 1.2 at 4096, 1.0 and 0.90 near the end. md(4).
fn raid(window: &Window, head: &[u8]) -> Result<Option<Content>, ReadError> {
    for at in [0_usize, 4096] {
        let id = || uuid(head, at.checked_add(16)?);
        if let Some(content) = other(head, (at, &MD_MAGIC), "linux_raid_member", id)
            && le32(head, at.saturating_add(4)) == Some(1)
        {
            return Ok(Some(content));
        }
    }
    let len = window.len_bytes();
    // Version 1.0: at least 8 KiB before the end, on a 4 KiB border.
    let Some(place) = (len & !511).checked_sub(8192).map(|at| at & !4095) else {
        return Ok(None);
    };
    if let Some(block) = read_if_inside(window, place, 256)?
        && has(&block, 0, &MD_MAGIC)
        && le32(&block, 4) == Some(1)
    {
        return Ok(Some(Content::Other {
            kind: "linux_raid_member",
            uuid: uuid(&block, 16),
        }));
    }
    let Some(place) = (len & !65_535).checked_sub(65_536) else {
        return Ok(None);
    };
    let Some(block) = read_if_inside(window, place, 256)? else {
        return Ok(None);
    };
    if !has(&block, 0, &MD_MAGIC) || le32(&block, 4) != Some(0) {
        return Ok(None);
    }
    Ok(Some(Content::Other {
        kind: "linux_raid_member",
        uuid: old_raid_uuid(&block),
    }))
}

/// Version 0.90 keeps its four words apart, each little-endian on x86.
fn old_raid_uuid(block: &[u8]) -> Option<String> {
    let mut id = [0; 16];
    for (word, at) in id.chunks_exact_mut(4).zip([20, 52, 56, 60]) {
        word.copy_from_slice(&array::<4>(block, at)?);
    }
    uuid(&id, 0)
}

/// The header starts alike in both versions.
fn luks(head: &[u8]) -> Option<Content> {
    if !has(head, 0, b"LUKS\xba\xbe") {
        return None;
    }
    Some(Content::Luks {
        version: be16(head, 6)?,
        uuid: text(head, 168, 40)?,
    })
}

/// The label may stand in any of the first four sectors.
fn lvm(head: &[u8]) -> Option<Content> {
    let sector = head
        .chunks_exact(512)
        .take(4)
        .find(|sector| has(sector, 0, b"LABELONE") && has(sector, 24, b"LVM2 001"))?;
    let header = usize::try_from(le32(sector, 20)?).ok()?;
    let uuid = text(sector, header, 32).filter(|id| id.len() == 32 && id.is_ascii());
    Some(Content::Other {
        kind: "LVM2_member",
        uuid: uuid.map(|id| hyphenate(&id)),
    })
}

/// LVM prints its identifiers in groups of 6-4-4-4-4-4-6.
fn hyphenate(id: &str) -> String {
    let mut out = String::with_capacity(38);
    for (index, letter) in id.chars().enumerate() {
        if matches!(index, 6 | 10 | 14 | 18 | 22 | 26) {
            out.push('-');
        }
        out.push(letter);
    }
    out
}
