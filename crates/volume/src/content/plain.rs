//! File systems and swap that we recognise but do not read.

use detente_block::{ReadError, Window};

use super::{Content, other};
use crate::fields::{has, le16, le32, le64, read_if_inside, text, uuid};

/// Those whose first sector looks like FAT's.
pub(super) fn identify_boot_sector(head: &[u8]) -> Option<Content> {
    let ntfs = || Some(format!("{:016X}", le64(head, 0x48)?));
    let exfat = || {
        let serial = le32(head, 100)?;
        Some(format!("{:04X}-{:04X}", serial >> 16, serial & 0xffff))
    };
    other(head, (3, b"NTFS    "), "ntfs", ntfs)
        .or_else(|| other(head, (3, b"EXFAT   "), "exfat", exfat))
}

/// Those with a magic number in the first 8 KiB.
pub(super) fn identify(head: &[u8]) -> Option<Content> {
    // The swap signature ends the first page: 4 KiB on x86.
    let swap = (4096 - 10, b"SWAPSPACE2".as_slice());
    other(head, swap, "swap", || uuid(head, 1024 + 12))
        .or_else(|| xfs(head))
        .or_else(|| squashfs(head))
}

fn xfs(head: &[u8]) -> Option<Content> {
    let label = text(head, 108, 12).filter(|_| has(head, 0, b"XFSB"))?;
    let uuid = uuid(head, 32)?;
    Some(Content::Xfs { uuid, label })
}

/// The magic alone is four letters: the version must be right too.
fn squashfs(head: &[u8]) -> Option<Content> {
    let version = le16(head, 28)?;
    other(head, (0, b"hsqs"), "squashfs", || None).filter(|_| version == 4)
}

/// The first superblock stands at 64 KiB.
pub(super) fn identify_btrfs(window: &Window) -> Result<Option<Content>, ReadError> {
    let Some(superblock) = read_if_inside(window, 65_536, 4096)? else {
        return Ok(None);
    };
    let content = || {
        Some(Content::Btrfs {
            uuid: uuid(&superblock, 32)?,
            label: text(&superblock, 299, 256)?,
        })
    };
    Ok(has(&superblock, 64, b"_BHRfS_M").then(content).flatten())
}
