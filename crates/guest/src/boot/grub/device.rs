//! GRUB's names of disks and partitions: `hd0,gpt2`.

use crate::facts::{DeviceId, Table, VolumeId};
use crate::volumes::Volumes;

/// The volume, if it is there.
pub(super) fn find(volumes: &Volumes, device: &str) -> Option<VolumeId> {
    let found = parse(device).filter(|&id| volumes.get(id).is_some());
    found.or_else(|| volumes.of_grub(device))
}

/// The volume; disks are counted in the order in which they were given.
fn parse(device: &str) -> Option<VolumeId> {
    let (disk, partition) = match device.split_once(',') {
        Some((disk, partition)) => {
            let digits = partition.trim_start_matches(|c: char| c.is_ascii_lowercase());
            (disk, digits.parse().ok()?)
        }
        None => (device, 0),
    };
    let disk = disk.strip_prefix("hd")?.parse().ok()?;
    Some(VolumeId::new(disk, partition))
}

/// GRUB's own name of a volume; it reaches the kernel in `BOOT_IMAGE=`.
pub(super) fn name(volumes: &Volumes, id: VolumeId) -> String {
    let Some(disk) = id.disk() else {
        return assembled(id);
    };
    let table = volumes.disks.get(disk).map(|disk| disk.table);
    let kind = match table {
        Some(Table::Gpt) => "gpt",
        Some(Table::Mbr) => "msdos",
        Some(Table::None) | None => "",
    };
    match id.partition {
        0 => format!("hd{disk}"),
        number => format!("hd{disk},{kind}{number}"),
    }
}

/// \[GRUB\] Devices of its own: `lvm/GROUP-VOLUME` and `md/NAME`.
fn assembled(id: VolumeId) -> String {
    match id.device {
        DeviceId::LogicalVolume(name) => {
            let escaped = name.as_str().replace('-', "--");
            format!("lvm/{}", escaped.replacen('/', "-", 1))
        }
        DeviceId::Array(name) => {
            let name = name.as_str();
            format!("md/{}", name.strip_prefix("md").unwrap_or(name))
        }
        DeviceId::Disk(disk) => format!("hd{disk}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_partitions_with_and_without_their_table() {
        let id = |disk, partition| Some(VolumeId::new(disk, partition));
        assert_eq!(parse("hd0,gpt2"), id(0, 2));
        assert_eq!(parse("hd1,msdos5"), id(1, 5));
        assert_eq!(parse("hd0,1"), id(0, 1));
        assert_eq!(parse("hd3"), id(3, 0));
        for other in ["lvm/vg-root", "memdisk", "", "hd", "hd0,", "hdx,1", "md/0"] {
            assert_eq!(parse(other), None, "{other}");
        }
        let volumes = crate::tests::machine::Machine::new().volumes();
        let id = VolumeId::new(0, 2);
        assert_eq!(name(&volumes, id), "hd0,gpt2");
    }
}
