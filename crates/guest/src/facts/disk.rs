//! Disks, volumes, and places on them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A volume of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VolumeId {
    /// The disk, from 0, in the order in which the images were given.
    pub disk: usize,
    /// The partition's number, from 1; 0 for a disk without a table.
    pub partition: u32,
}

impl fmt::Display for VolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.partition {
            0 => write!(f, "disk {}", self.disk),
            number => write!(f, "disk {} partition {number}", self.disk),
        }
    }
}

/// A file on a volume.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The volume.
    #[serde(flatten)]
    pub volume: VolumeId,
    /// The path from the root of that volume.
    pub path: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.path, self.volume)
    }
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Its size as the guest sees it.
    pub size_bytes: u64,
    /// Its partition table.
    pub table: Table,
    /// Its volumes, by number.
    pub volumes: Vec<VolumeFacts>,
}

/// The kind of partition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Table {
    /// GUID partition table.
    Gpt,
    /// Master boot record.
    Mbr,
    /// The whole disk is one volume.
    None,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeFacts {
    /// The partition's number, from 1; 0 for a disk without a table.
    pub number: u32,
    /// Where it starts on the disk.
    pub offset_bytes: u64,
    /// How long it is.
    pub size_bytes: u64,
    /// GPT type GUID, or MBR type byte as `0x83`; empty for a whole disk.
    pub type_id: String,
    /// What it holds: `ext4`, `fat`, `luks`, `xfs`, …, `unknown`.
    pub content: String,
    /// The file system's UUID.
    pub uuid: Option<String>,
    /// The file system's label.
    pub label: Option<String>,
    /// The partition's identity, as Linux spells it.
    pub partuuid: Option<String>,
    /// The GPT partition name.
    pub name: Option<String>,
    /// Where the guest mounts it, as far as `/etc/fstab` and the command line tell.
    pub mount_point: Option<String>,
}
