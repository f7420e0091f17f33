//! Disks, volumes, and places on them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A volume of a machine: a partition, or a whole device.
///
/// As JSON `{"disk": 0, "partition": 2}`, `{"logical_volume": "rhel/root", "partition": 0}` or
/// `{"array": "md127", "partition": 0}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct VolumeId {
    /// What it is on.
    pub device: DeviceId,
    /// The partition's number, from 1; 0 for a device without a table.
    pub partition: u32,
}

impl VolumeId {
    /// A partition of a disk, both counted as in [`VolumeId`].
    #[must_use]
    pub const fn new(disk: usize, partition: u32) -> Self {
        let device = DeviceId::Disk(disk);
        Self { device, partition }
    }

    /// The disk, if it is on one as it was given, not on an array or in a volume group.
    #[must_use]
    pub const fn disk(self) -> Option<usize> {
        match self.device {
            DeviceId::Disk(disk) => Some(disk),
            DeviceId::LogicalVolume(_) | DeviceId::Array(_) => None,
        }
    }
}

impl fmt::Display for VolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.partition {
            0 => write!(f, "{}", self.device),
            number => write!(f, "{} partition {number}", self.device),
        }
    }
}

/// A block device of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceId {
    /// A disk, from 0, in the order in which the images were given.
    Disk(usize),
    /// A logical volume of LVM: `GROUP/VOLUME`.
    LogicalVolume(DeviceName),
    /// An array of Linux software RAID: `md127`, or by its own name.
    Array(DeviceName),
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(disk) => write!(f, "disk {disk}"),
            Self::LogicalVolume(name) => write!(f, "volume {}", name.as_str()),
            Self::Array(name) => write!(f, "array {}", name.as_str()),
        }
    }
}

/// Longer names are cut: with them, errors stay small enough to be passed by value.
const NAME_BYTES: usize = 38;
/// What of a longer name is kept, before `~` and eight digits that tell it from others.
const KEPT_BYTES: usize = 29;

/// The name of an assembled device. One of more than 38 bytes is cut: its start, `~` and a number
/// made of all of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceName {
    bytes: [u8; NAME_BYTES],
    len: u8,
}

impl DeviceName {
    /// Takes a name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let cut = || {
            // [FNV-1a], 32 bits.
            let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
            let hash = name.bytes().fold(0x811c_9dc5, mix);
            let mut kept = String::new();
            for letter in name.chars() {
                if kept.len().saturating_add(letter.len_utf8()) > KEPT_BYTES {
                    break;
                }
                kept.push(letter);
            }
            format!("{kept}~{hash:08x}")
        };
        let name = if name.len() > NAME_BYTES {
            cut()
        } else {
            name.to_owned()
        };
        let mut bytes = [0; NAME_BYTES];
        for (place, byte) in bytes.iter_mut().zip(name.bytes()) {
            *place = byte;
        }
        let len = u8::try_from(name.len()).unwrap_or(0);
        Self { bytes, len }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Debug for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// [`VolumeId`] as JSON has it.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disk: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logical_volume: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    array: Option<String>,
    partition: u32,
}

impl From<VolumeId> for Written {
    fn from(id: VolumeId) -> Self {
        let mut written = Self {
            disk: None,
            logical_volume: None,
            array: None,
            partition: id.partition,
        };
        match id.device {
            DeviceId::Disk(disk) => written.disk = Some(disk),
            DeviceId::LogicalVolume(name) => {
                written.logical_volume = Some(name.as_str().to_owned());
            }
            DeviceId::Array(name) => written.array = Some(name.as_str().to_owned()),
        }
        written
    }
}

impl TryFrom<Written> for VolumeId {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let device = match (written.disk, written.logical_volume, written.array) {
            (Some(disk), None, None) => DeviceId::Disk(disk),
            (None, Some(name), None) => DeviceId::LogicalVolume(DeviceName::new(&name)),
            (None, None, Some(name)) => DeviceId::Array(DeviceName::new(&name)),
            _ => return Err("a volume is on one of disk, logical_volume and array"),
        };
        Ok(Self {
            device,
            partition: written.partition,
        })
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
    /// Whether it was not unmounted: its journal has to be replayed, or it says that it is in use.
    /// `None` where the format does not say, or is not read.
    #[serde(default)]
    pub dirty: Option<bool>,
    /// How much room its file system has left. `None` where the format does not say, or is not read.
    #[serde(default)]
    pub free_bytes: Option<u64>,
    /// The subvolumes of a btrfs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subvolumes: Vec<SubvolumeFacts>,
    /// What LUKS says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub luks: Option<LuksFacts>,
}

/// A device that is made of others: a logical volume, an array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assembled {
    /// Its name, in full: `rhel/root`, `md127`.
    pub name: String,
    /// What makes it.
    pub kind: AssembledKind,
    /// How its bytes lie: `linear`, `striped`, `raid1`, `thin-pool`, ….
    pub layout: String,
    /// Its own identity, as LVM and mdadm print it.
    pub uuid: Option<String>,
    /// Its size as the guest sees it.
    pub size_bytes: u64,
    /// The volumes that it is made of, as far as they are here.
    pub on: Vec<VolumeId>,
    /// What of it is not here, by the name that it has there.
    pub missing: Vec<String>,
    /// Why it is not read, if so.
    pub unread: Option<String>,
    /// Its partition table.
    pub table: Table,
    /// Its volumes, by number.
    pub volumes: Vec<VolumeFacts>,
}

/// What makes an assembled device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssembledKind {
    /// LVM.
    LogicalVolume,
    /// Linux software RAID.
    Array,
}

/// An encrypted volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LuksFacts {
    /// The version of its header.
    pub version: u16,
    /// The cipher with its mode: `aes-xts-plain64`.
    pub cipher: Option<String>,
    /// The key slots that are in use.
    pub slots: Vec<u32>,
}

/// A subvolume of a btrfs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubvolumeFacts {
    /// Its number, as in `subvolid=`; 5 is the top level.
    pub id: u64,
    /// Its path from the top level, as in `subvol=`.
    pub path: String,
    /// Whether it is mounted where none is named.
    pub default: bool,
    /// Where the guest mounts it.
    pub mount_point: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: VolumeId, text: &str, json: &str) {
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_string(&id).unwrap(), json);
        assert_eq!(serde_json::from_str::<VolumeId>(json).unwrap(), id);
    }

    #[test]
    fn volumes_have_names_and_json() {
        check(
            VolumeId::new(0, 2),
            "disk 0 partition 2",
            r#"{"disk":0,"partition":2}"#,
        );
        let device = DeviceId::LogicalVolume(DeviceName::new("rhel/root"));
        check(
            VolumeId {
                device,
                partition: 0,
            },
            "volume rhel/root",
            r#"{"logical_volume":"rhel/root","partition":0}"#,
        );
        let device = DeviceId::Array(DeviceName::new("md127"));
        check(
            VolumeId {
                device,
                partition: 1,
            },
            "array md127 partition 1",
            r#"{"array":"md127","partition":1}"#,
        );
        for wrong in [
            r#"{"partition":1}"#,
            r#"{"disk":0,"array":"a","partition":1}"#,
        ] {
            assert!(serde_json::from_str::<VolumeId>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let long = |last: &str| DeviceName::new(&format!("{}{last}", "ä".repeat(30)));
        assert_ne!(long("a"), long("b"));
        assert!(long("a").as_str().starts_with("ää"));
        assert!(long("a").as_str().len() <= NAME_BYTES);
        let again = DeviceName::new(long("a").as_str());
        assert_eq!(again, long("a"));
    }
}
