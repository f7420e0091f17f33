//! FAT12, FAT16 and FAT32. \[FAT\] Microsoft's "FAT: General Overview of On-Disk Format", 1.03.

mod boot;
mod chain;
mod directory;
mod file;
mod name;
mod volume;

pub(crate) use volume::{FatFileSystem, FatVolume};

use detente_block::{ReadError, Window};

use crate::FsError;
use boot::Boot;

/// Serial and label as `blkid` prints them, if `head` is a FAT boot sector that makes sense.
pub(crate) fn identity(
    window: &Window,
    head: &[u8],
) -> Result<Option<(String, String)>, ReadError> {
    let Some(boot) = Boot::parse(head) else {
        return Ok(None);
    };
    let serial = boot.serial.unwrap_or(0);
    let serial = format!("{:04X}-{:04X}", serial >> 16, serial & 0xffff);
    // The label in the root directory is the true one; the boot sector holds a copy at best.
    let fallback = boot
        .label
        .clone()
        .filter(|label| label != "NO NAME")
        .unwrap_or_default();
    let label = match FatVolume::new(window.clone(), boot).label() {
        Ok(label) => label.unwrap_or(fallback),
        Err(FsError::Read(error @ ReadError::Io { .. })) => return Err(error),
        Err(_) => fallback,
    };
    Ok(Some((serial, label)))
}

/// The error of a broken rule.
fn corrupt(rule: impl Into<String>) -> FsError {
    FsError::Corrupt {
        kind: "FAT",
        rule: rule.into(),
    }
}
