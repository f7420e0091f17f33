//! What a volume holds, told by its magic numbers.

mod container;
mod iso;
mod plain;

use detente_block::{BlockRead, ReadError, Window};

use crate::fat;
use crate::fields::{has, le16, le32, text, uuid};

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
    /// btrfs, on this volume and perhaps on others with the same UUID: see [`crate::Btrfs`].
    Btrfs {
        /// UUID as `blkid` prints it.
        uuid: String,
        /// Volume label, empty if none.
        label: String,
    },
    /// XFS.
    Xfs {
        /// UUID as `blkid` prints it.
        uuid: String,
        /// Volume label, empty if none.
        label: String,
    },
    /// ISO 9660: see [`crate::iso_state`].
    Iso {
        /// The date of its last change as `blkid` prints it, if it has one.
        uuid: Option<String>,
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
    /// Something recognised that we do not read yet: `LVM2_member`, `swap`, `ntfs`, ….
    Other {
        /// `blkid`'s name of the type.
        kind: &'static str,
        /// UUID where it is at hand.
        uuid: Option<String>,
    },
    /// Nothing that we recognise.
    Unknown,
}

impl Content {
    /// A format whose first sector ends like an MBR.
    pub(crate) fn is_boot_sector(&self) -> bool {
        match self {
            Self::Fat { .. } => true,
            Self::Other { kind, .. } => matches!(*kind, "ntfs" | "exfat" | "BitLocker"),
            Self::Ext4 { .. }
            | Self::Xfs { .. }
            | Self::Btrfs { .. }
            // A disk that was written over one may have a table and still look like it.
            | Self::Iso { .. }
            | Self::Luks { .. }
            | Self::Unknown => false,
        }
    }
}

/// The first bytes of a volume, where most formats have their magic number.
const HEAD_BYTES: u64 = 8192;

/// Says what `window` holds. Containers (RAID, encryption, LVM) win over what they may contain.
pub(crate) fn identify(window: &Window) -> Result<Content, ReadError> {
    let len = usize::try_from(window.len_bytes().min(HEAD_BYTES)).unwrap_or(0);
    let mut head = vec![0; len];
    window.read_exact_at(0, &mut head)?;
    if let Some(content) = container::identify(window, &head)? {
        return Ok(content);
    }
    if let Some(content) = plain::identify_boot_sector(&head) {
        return Ok(content);
    }
    if let Some((serial, label)) = fat::identity(window, &head)? {
        return Ok(Content::Fat {
            uuid: serial,
            label,
        });
    }
    if let Some(content) = plain::identify(&head).or_else(|| identify_ext4(&head)) {
        return Ok(content);
    }
    if let Some(content) = iso::identify(window)? {
        return Ok(content);
    }
    Ok(plain::identify_btrfs(window)?.unwrap_or(Content::Unknown))
}

/// The superblock stands at 1024 whatever the block size.
fn identify_ext4(head: &[u8]) -> Option<Content> {
    /// `INCOMPAT_JOURNAL_DEV`: the journal of another file system, not one itself.
    const JOURNAL_DEVICE: u32 = 0x8;
    let superblock = head.get(1024..)?;
    if le16(superblock, 0x38)? != 0xef53 {
        return None;
    }
    let uuid = uuid(superblock, 0x68)?;
    if le32(superblock, 0x60)? & JOURNAL_DEVICE != 0 {
        return Some(Content::Other {
            kind: "jbd",
            uuid: Some(uuid),
        });
    }
    Some(Content::Ext4 {
        uuid,
        label: text(superblock, 0x78, 16)?,
    })
}

/// A recognised format, if `magic` stands at `at`.
fn other(
    head: &[u8],
    (at, magic): (usize, &[u8]),
    kind: &'static str,
    uuid: impl FnOnce() -> Option<String>,
) -> Option<Content> {
    has(head, at, magic).then(|| Content::Other { kind, uuid: uuid() })
}
