//! Which block device `root=` means, as Linux takes it (`name_to_dev_t`).

use std::path::Path;

use super::error::RootError;
use super::table::Table;
use crate::sysfs;

/// More disks than a machine has.
const MAX_DISKS: usize = 512;
/// More entries than the kernel puts into a disk's folder.
const MAX_ENTRIES: usize = 1024;

/// The numbers of a block device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) major: u32,
    pub(super) minor: u32,
}

/// A disk, or a partition of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Device {
    /// As in `/dev`; sysfs has `!` for `/`.
    name: String,
    block: Block,
    /// Which partition; 0 for the whole disk.
    number: u32,
    /// The partition's own name; empty if it has none.
    label: String,
}

/// A disk with its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Disk {
    /// The disk first.
    devices: Vec<Device>,
    /// How long one of its blocks is.
    block_bytes: u64,
}

/// What `root=` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RootName {
    /// `/dev/NAME`.
    Node(String),
    /// `MAJOR:MINOR`, or both as one hexadecimal number.
    Number(Block),
    /// `PARTUUID=UUID`, and with `/PARTNROFF=N` a partition that many numbers further.
    PartUuid { uuid: String, offset: i32 },
    /// `PARTLABEL=NAME`.
    PartLabel(String),
}

impl RootName {
    /// Reads the value of `root=`.
    ///
    /// # Errors
    /// The kernel itself cannot find such a root, or we do not mount it.
    pub(super) fn parse(text: &str) -> Result<Self, RootError> {
        let device = || text.to_owned();
        let programs = ["UUID=", "LABEL=", "ZFS=", "/dev/disk/"];
        if text.is_empty() {
            return Err(RootError::Unnamed);
        }
        if programs.iter().any(|start| text.starts_with(start)) {
            return Err(RootError::NeedsInitramfs { device: device() });
        }
        if matches!(text, "/dev/nfs" | "/dev/cifs" | "/dev/ram") {
            return Err(RootError::NoBlockDevice { device: device() });
        }
        if let Some(value) = text.strip_prefix("PARTUUID=") {
            return part_uuid(value).ok_or_else(|| RootError::NoBlockDevice { device: device() });
        }
        if let Some(label) = text.strip_prefix("PARTLABEL=") {
            return Ok(Self::PartLabel(label.to_owned()));
        }
        if let Some(name) = text.strip_prefix("/dev/") {
            return Ok(Self::Node(name.to_owned()));
        }
        let block = numbers(text).or_else(|| hexadecimal(text));
        block
            .map(Self::Number)
            .ok_or_else(|| RootError::NoBlockDevice { device: device() })
    }
}

fn part_uuid(value: &str) -> Option<RootName> {
    let (uuid, offset) = match value.split_once("/PARTNROFF=") {
        Some((uuid, offset)) => (uuid, offset.parse().ok()?),
        None => (value, 0),
    };
    let uuid = uuid.to_ascii_lowercase();
    Some(RootName::PartUuid { uuid, offset })
}

/// `8:1`, as sysfs writes it too.
fn numbers(text: &str) -> Option<Block> {
    let (major, minor) = text.split_once(':')?;
    Some(Block {
        major: major.parse().ok()?,
        minor: minor.parse().ok()?,
    })
}

/// `0801`, of which the kernel makes two numbers (`new_decode_dev`).
fn hexadecimal(text: &str) -> Option<Block> {
    let number = u32::from_str_radix(text, 16).ok()?;
    Some(Block {
        major: (number & 0xf_ff00) >> 8,
        minor: (number & 0xff) | ((number >> 12) & 0xf_ff00),
    })
}

/// Every disk with its partitions, as sysfs shows them.
pub(super) fn disks(sys: &Path) -> Vec<Disk> {
    let folder = sys.join("block");
    let names = sysfs::names(&folder, MAX_DISKS);
    names
        .iter()
        .filter_map(|name| disk(&folder.join(name), name))
        .collect()
}

fn disk(folder: &Path, name: &str) -> Option<Disk> {
    let mut devices = vec![device(folder, name)?];
    for child in sysfs::names(folder, MAX_ENTRIES) {
        let child_folder = folder.join(&child);
        if child_folder.join("partition").exists() {
            devices.extend(device(&child_folder, &child));
        }
    }
    let block_bytes = sysfs::text(folder.join("queue/logical_block_size"));
    Some(Disk {
        devices,
        block_bytes: block_bytes.parse().unwrap_or(512),
    })
}

fn device(folder: &Path, name: &str) -> Option<Device> {
    let uevent = sysfs::text(folder.join("uevent"));
    let value = |key: &str| uevent.lines().find_map(|line| line.strip_prefix(key));
    Some(Device {
        name: name.replace('!', "/"),
        block: numbers(&sysfs::text(folder.join("dev")))?,
        number: sysfs::text(folder.join("partition")).parse().unwrap_or(0),
        label: value("PARTNAME=").unwrap_or_default().to_owned(),
    })
}

/// The device that is meant, if it is there. `table` reads a disk's partition table.
pub(super) fn find(
    name: &RootName,
    disks: &[Disk],
    table: &dyn Fn(Block, u64) -> Option<Table>,
) -> Option<Block> {
    let mut all = disks.iter().flat_map(|disk| &disk.devices);
    match name {
        // The kernel takes a number as it is, and fails at the mount if nothing is there.
        RootName::Number(block) => all.find(|device| device.block == *block).map(|_| *block),
        RootName::Node(node) => all
            .find(|device| device.name == *node)
            .map(|device| device.block),
        RootName::PartLabel(label) => all
            .find(|device| device.number != 0 && device.label == *label)
            .map(|device| device.block),
        RootName::PartUuid { uuid, offset } => disks
            .iter()
            .find_map(|disk| disk.partition(uuid, *offset, table)),
    }
}

/// The names of all devices, for a sentence.
pub(super) fn names(disks: &[Disk]) -> String {
    let all = disks.iter().flat_map(|disk| &disk.devices).take(64);
    let names: Vec<&str> = all.map(|device| device.name.as_str()).collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}

impl Disk {
    /// The partition `offset` numbers behind the one with this identifier.
    fn partition(
        &self,
        uuid: &str,
        offset: i32,
        table: &dyn Fn(Block, u64) -> Option<Table>,
    ) -> Option<Block> {
        let (whole, partitions) = self.devices.split_first()?;
        if partitions.is_empty() {
            return None;
        }
        let table = table(whole.block, self.block_bytes)?;
        let named = partitions
            .iter()
            .find(|device| table.uuid(device.number).as_deref() == Some(uuid))?;
        let number = named.number.checked_add_signed(offset)?;
        let mut all = self.devices.iter();
        all.find(|device| device.number == number)
            .map(|device| device.block)
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
