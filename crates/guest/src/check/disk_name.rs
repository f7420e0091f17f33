//! Names of disks, and where they hold.

use super::Profile;

/// How a disk is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiskName<'a> {
    /// As the kernel numbers what a kind of controller has: `sd`, `vd`, `hd`, `xvd`, `nvme`.
    Kernel(&'a str),
    /// By what the hardware says of itself: `/dev/disk/by-path`, most of `/dev/disk/by-id`.
    Hardware,
    /// A name that multipath gave: `/dev/mapper/mpatha`.
    Multipath,
    /// Any other: by content, or no disk at all.
    Other,
}

/// Kinds of names, the longer ones first.
const KINDS: &[&str] = &["nvme", "mmcblk", "xvd", "sd", "vd", "hd"];

/// Names below `/dev/disk/by-id` that come from what is on a disk.
const BY_CONTENT: &[&str] = &[
    "dm-name-",
    "dm-uuid-",
    "lvm-pv-uuid-",
    "md-uuid-",
    "md-name-",
];

impl<'a> DiskName<'a> {
    /// What a word is, such as the first field of a line of `/etc/fstab`.
    pub(crate) fn of(word: &'a str) -> Self {
        let Some(name) = word.strip_prefix("/dev/") else {
            return Self::Other;
        };
        if name.starts_with("disk/by-path/") {
            return Self::Hardware;
        }
        if let Some(id) = name.strip_prefix("disk/by-id/") {
            let content = BY_CONTENT.iter().any(|prefix| id.starts_with(prefix));
            return if content { Self::Other } else { Self::Hardware };
        }
        if let Some(name) = name.strip_prefix("mapper/") {
            let given = name.strip_prefix("mpath").is_some_and(is_letters_first);
            return if given { Self::Multipath } else { Self::Other };
        }
        kind(name).map_or(Self::Other, Self::Kernel)
    }

    /// The kind of name, if the kernel gives it and not on this hardware.
    pub(crate) fn foreign(word: &'a str, profile: Profile) -> Option<&'a str> {
        match Self::of(word) {
            Self::Kernel(kind) if kind != own_kind(profile) => Some(kind),
            Self::Kernel(_) | Self::Hardware | Self::Multipath | Self::Other => None,
        }
    }
}

fn kind(name: &str) -> Option<&str> {
    KINDS.iter().find_map(|kind| {
        let rest = name.strip_prefix(kind)?;
        let fits = match *kind {
            "nvme" | "mmcblk" => rest.starts_with(|c: char| c.is_ascii_digit()),
            _ => is_letters_first(rest),
        };
        if fits { name.get(..kind.len()) } else { None }
    })
}

/// Letters, then digits: `a`, `aa12`.
fn is_letters_first(rest: &str) -> bool {
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_lowercase());
    digits.len() < rest.len() && digits.chars().all(|c| c.is_ascii_digit() || c == 'p')
}

/// The kind of names that a profile's disks get.
pub(crate) fn own_kind(profile: Profile) -> &'static str {
    match profile {
        Profile::Kvm => "vd",
        Profile::KvmLegacy | Profile::HypervGen1 | Profile::HypervGen2 | Profile::HypervVmbus => {
            "sd"
        }
    }
}

/// The words of a value that name a device: `/dev/vda1` of `root=/dev/vda1 ro`.
pub(crate) fn devices(value: &str) -> impl Iterator<Item = &str> {
    let words = value.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ','));
    words.filter(|word| word.starts_with("/dev/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        assert_eq!(DiskName::of("/dev/vda1"), DiskName::Kernel("vd"));
        assert_eq!(DiskName::of("/dev/sdaa"), DiskName::Kernel("sd"));
        assert_eq!(DiskName::of("/dev/xvdb2"), DiskName::Kernel("xvd"));
        assert_eq!(DiskName::of("/dev/nvme0n1p2"), DiskName::Kernel("nvme"));
        assert_eq!(DiskName::of("/dev/mapper/mpatha2"), DiskName::Multipath);
        assert_eq!(DiskName::of("/dev/mapper/rhel-root"), DiskName::Other);
        assert_eq!(DiskName::of("/dev/sdx_data/lv"), DiskName::Other);
        assert_eq!(DiskName::of("/dev/vg/root"), DiskName::Other);
        assert_eq!(DiskName::of("UUID=1"), DiskName::Other);
        assert_eq!(
            DiskName::of("/dev/disk/by-path/pci-0000:00:1f.2-ata-1"),
            DiskName::Hardware
        );
        assert_eq!(
            DiskName::of("/dev/disk/by-id/dm-name-rhel-root"),
            DiskName::Other
        );
        assert_eq!(DiskName::of("/dev/disk/by-uuid/1"), DiskName::Other);
    }

    #[test]
    fn a_name_is_foreign_where_the_controller_gives_another() {
        assert_eq!(
            DiskName::foreign("/dev/vda1", Profile::HypervGen2),
            Some("vd")
        );
        assert_eq!(DiskName::foreign("/dev/sda1", Profile::HypervGen2), None);
        assert_eq!(DiskName::foreign("/dev/sda1", Profile::Kvm), Some("sd"));
        assert_eq!(devices("root=/dev/vda1 ro x=\"/dev/sdb\"").count(), 2);
    }
}
