//! How Linux names a block device on its command line and in `/etc/fstab`.

/// The name of a block device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeviceSpec {
    /// `UUID=`: of the file system.
    Uuid(String),
    /// `LABEL=`: of the file system.
    Label(String),
    /// `PARTUUID=`: of the partition.
    PartUuid(String),
    /// `PARTLABEL=`: the partition's name.
    PartLabel(String),
    /// A partition by the order of disks: `/dev/vda1`.
    Partition {
        /// The disk's letter or number, from 0.
        disk: usize,
        /// The partition; 0 for the whole disk.
        number: u32,
    },
    /// A device that something makes first: `/dev/mapper/vg-root`, `/dev/md127`.
    Mapped(String),
    /// Anything else: `tmpfs`, `10.0.0.1:/export`.
    Other(String),
}

/// Makes a name of its value.
type Kind = fn(String) -> DeviceSpec;

impl DeviceSpec {
    /// Reads the name; every text is one.
    pub(crate) fn parse(text: &str) -> Self {
        let tags: [(&str, &str, Kind); 4] = [
            ("UUID=", "/dev/disk/by-uuid/", Self::Uuid),
            ("LABEL=", "/dev/disk/by-label/", Self::Label),
            ("PARTUUID=", "/dev/disk/by-partuuid/", Self::PartUuid),
            ("PARTLABEL=", "/dev/disk/by-partlabel/", Self::PartLabel),
        ];
        for (tag, folder, kind) in tags {
            let value = text.strip_prefix(tag).or_else(|| text.strip_prefix(folder));
            if let Some(value) = value {
                return kind(value.trim_matches('"').to_owned());
            }
        }
        match text.strip_prefix("/dev/") {
            Some(name) => Self::device(name),
            None => Self::Other(text.to_owned()),
        }
    }

    fn device(name: &str) -> Self {
        if let Some((disk, number)) = lettered(name).or_else(|| numbered(name)) {
            return Self::Partition { disk, number };
        }
        // `/dev/mapper/NAME`, `/dev/dm-0`, `/dev/VG/LV`, `/dev/md127`, `/dev/disk/by-id/dm-…`.
        let is_array = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
        if name.starts_with("mapper/")
            || name.starts_with("dm-")
            || name.starts_with("disk/by-id/dm-")
            || name.starts_with("disk/by-id/md-")
            || name.strip_prefix("md").is_some_and(is_array)
            || is_logical_volume(name)
        {
            return Self::Mapped(format!("/dev/{name}"));
        }
        Self::Other(format!("/dev/{name}"))
    }
}

/// `VG/LV`, which no device of the kernel's own looks like but these folders.
fn is_logical_volume(name: &str) -> bool {
    name.split_once('/')
        .is_some_and(|(group, volume)| group != "disk" && !volume.is_empty())
}

/// `vda1`, `sdaa12`: letters count disks, `a` is the first.
fn lettered(name: &str) -> Option<(usize, u32)> {
    let rest = ["xvd", "vd", "sd", "hd"]
        .iter()
        .find_map(|kind| name.strip_prefix(kind))?;
    let letters = rest
        .find(|c: char| !c.is_ascii_lowercase())
        .unwrap_or(rest.len());
    let (letters, digits) = rest.split_at(letters);
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let mut disk = 0_usize;
    for letter in letters.bytes() {
        let value = usize::from(letter.checked_sub(b'a')?).checked_add(1)?;
        disk = disk.checked_mul(26)?.checked_add(value)?;
    }
    Some((disk.checked_sub(1)?, partition(digits)?))
}

/// `nvme0n1p2`, `mmcblk0p1`.
fn numbered(name: &str) -> Option<(usize, u32)> {
    let rest = name
        .strip_prefix("nvme")
        .or_else(|| name.strip_prefix("mmcblk"))?;
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (disk, rest) = rest.split_at(digits);
    let rest = rest.strip_prefix("n1").unwrap_or(rest);
    let number = match rest {
        "" => 0,
        rest => partition(rest.strip_prefix('p')?)?,
    };
    Some((disk.parse().ok()?, number))
}

fn partition(digits: &str) -> Option<u32> {
    match digits {
        "" => Some(0),
        digits => digits.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: DeviceSpec) {
        assert_eq!(DeviceSpec::parse(text), expect, "{text}");
    }

    #[test]
    fn every_way_to_name_a_device() {
        check("UUID=ab-cd", DeviceSpec::Uuid("ab-cd".into()));
        check("UUID=\"ab-cd\"", DeviceSpec::Uuid("ab-cd".into()));
        check("/dev/disk/by-uuid/ab", DeviceSpec::Uuid("ab".into()));
        check(
            "LABEL=cloudimg-rootfs",
            DeviceSpec::Label("cloudimg-rootfs".into()),
        );
        check("PARTUUID=1-2", DeviceSpec::PartUuid("1-2".into()));
        check("PARTLABEL=root", DeviceSpec::PartLabel("root".into()));
        check("/dev/vda1", DeviceSpec::Partition { disk: 0, number: 1 });
        check("/dev/sdb", DeviceSpec::Partition { disk: 1, number: 0 });
        check(
            "/dev/xvdaa12",
            DeviceSpec::Partition {
                disk: 26,
                number: 12,
            },
        );
        check(
            "/dev/nvme1n1p3",
            DeviceSpec::Partition { disk: 1, number: 3 },
        );
        check(
            "/dev/mmcblk0p1",
            DeviceSpec::Partition { disk: 0, number: 1 },
        );
        check(
            "/dev/mapper/vg-root",
            DeviceSpec::Mapped("/dev/mapper/vg-root".into()),
        );
        check(
            "/dev/rhel/root",
            DeviceSpec::Mapped("/dev/rhel/root".into()),
        );
        check("/dev/md127", DeviceSpec::Mapped("/dev/md127".into()));
        check("/dev/md/boot", DeviceSpec::Mapped("/dev/md/boot".into()));
        check("/dev/mdx", DeviceSpec::Other("/dev/mdx".into()));
        check("/dev/sd1", DeviceSpec::Other("/dev/sd1".into()));
        check(
            "/dev/vda99999999999",
            DeviceSpec::Other("/dev/vda99999999999".into()),
        );
        check("tmpfs", DeviceSpec::Other("tmpfs".into()));
    }
}
