//! What volumes a disk has.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError, Window};

/// The kind of partition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// GUID partition table.
    Gpt,
    /// Master boot record.
    Mbr,
    /// No table: the whole disk is one volume.
    None,
}

/// One volume of a disk: a partition, or the whole disk.
#[derive(Clone)]
pub struct Volume {
    /// The partition's number, from 1; 0 for a whole disk.
    pub number: u32,
    /// Where it starts on the disk, in bytes.
    pub offset: u64,
    /// GPT: the type GUID, lower case with hyphens. MBR: the type byte as `0x83`. Else empty.
    pub type_id: String,
    /// `PARTUUID` as Linux spells it: the GPT partition GUID, or `SSSSSSSS-PP` for MBR.
    pub partuuid: Option<String>,
    /// The GPT partition name, if any.
    pub name: Option<String>,
    /// Its bytes.
    pub window: Window,
    /// What it holds.
    pub content: Content,
}

/// What a volume holds, with its identity where the format has one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// ext2, ext3 or ext4.
    Ext4 {
        /// UUID as `blkid` prints it.
        uuid: String,
        /// Volume label, empty if none.
        label: String,
    },
    /// FAT12, FAT16 or FAT32.
    Fat {
        /// Serial as `blkid` prints it (`ABCD-1234`).
        uuid: String,
        /// Volume label, empty if none.
        label: String,
    },
    /// LUKS, version 1 or 2: encrypted.
    Luks {
        /// Header version.
        version: u16,
        /// UUID.
        uuid: String,
    },
    /// Something recognised that we do not read yet: `xfs`, `btrfs`, `lvm2`, `swap`, `ntfs`, ….
    Other {
        /// `blkid`'s name of the type.
        kind: &'static str,
        /// UUID where it is at hand.
        uuid: Option<String>,
    },
    /// Nothing that we recognise.
    Unknown,
}

/// Why a disk could not be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// A read failed.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Lists the volumes of a disk.
///
/// # Errors
/// [`ScanError`] when the disk cannot be read; a damaged table yields what is sound of it.
pub fn scan(disk: &Arc<dyn BlockRead>) -> Result<(TableKind, Vec<Volume>), ScanError> {
    let window = Window::new(disk.clone(), 0, disk.len_bytes())?;
    let whole = Volume {
        number: 0,
        offset: 0,
        type_id: String::new(),
        partuuid: None,
        name: None,
        window,
        content: Content::Unknown,
    };
    Ok((TableKind::None, vec![whole]))
}
