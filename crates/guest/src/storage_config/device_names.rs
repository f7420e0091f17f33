//! Names that a disk has only on this machine: by the kernel's count, by its controller, by what the
//! hypervisor calls it.

use detente_volume::FsError;

use crate::facts::{Evidence, Setting};
use crate::files::Files;
use crate::settings::lines;

/// Names that the kernel gives to whole disks, without their letters or numbers.
const KERNEL: [&str; 9] = [
    "sd", "hd", "vd", "xvd", "nvme", "mmcblk", "cciss/c", "dasd", "ubd",
];
/// Of the links below `/dev/disk` those that tell the controller, or what the disk calls itself.
const LINKS: [&str; 2] = ["disk/by-path/", "disk/by-id/"];
/// Of `by-id` those that come from what is on the disk.
const OF_CONTENT: [&str; 3] = ["dm-uuid-", "md-uuid-", "lvm-pv-uuid-"];
/// More names than a line has.
const MAX_NAMES: usize = 64;

/// The names in a value, each as a setting of `what`.
pub(super) fn of(what: &str, own: &Setting) -> Vec<Setting> {
    find(&own.value)
        .map(|name| Setting::new(what, name, own.at.clone()))
        .take(MAX_NAMES)
        .collect()
}

fn find(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("/dev/")
        .filter_map(|(start, _)| text.get(start..))
        .map(|rest| {
            let is_end = |c: char| c.is_whitespace() || "\"'|,;=()[]*?$\\".contains(c);
            rest.split(is_end).next().unwrap_or(rest)
        })
        .filter(|name| is_local(name))
}

fn is_local(path: &str) -> bool {
    let Some(name) = path.strip_prefix("/dev/") else {
        return false;
    };
    if let Some(id) = LINKS.iter().find_map(|link| name.strip_prefix(link)) {
        return !OF_CONTENT.iter().any(|kind| id.starts_with(kind));
    }
    is_kernel_name(name)
}

/// `sda2`, `nvme0n1p1`, `cciss/c0d0`; patterns of a filter stop at their first wildcard.
fn is_kernel_name(name: &str) -> bool {
    KERNEL.iter().any(|kind| {
        let rest = name.strip_prefix(kind);
        rest.is_some_and(|rest| {
            let numbered = matches!(*kind, "nvme" | "mmcblk" | "cciss/c");
            rest.chars().next().is_none_or(|c| {
                c.is_ascii_digit() == numbered && (c.is_ascii_lowercase() || c.is_ascii_digit())
            }) && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
        })
    })
}

/// Whether `KERNEL==` of a rule means disks: `sd*`, `vd[a-z]`.
pub(super) fn is_disk_pattern(pattern: &str) -> bool {
    pattern.split('|').any(|own| {
        let stem: &str = own.split(['*', '?', '[']).next().unwrap_or(own);
        is_kernel_name(stem)
    })
}

/// GRUB's device.map: `(hd0) /dev/sda`.
pub(super) fn device_map(files: Files<'_>) -> Result<Vec<Setting>, FsError> {
    let mut all = Vec::new();
    for path in ["/boot/grub2/device.map", "/boot/grub/device.map"] {
        let text = files.text(path)?.unwrap_or_default();
        for (number, line) in lines(&text, &['#']) {
            let own = Setting::new("", line, Evidence::line(path, number));
            all.extend(of("device-map", &own));
        }
    }
    Ok(all)
}

pub(super) fn exercise(text: &str) {
    of("x", &Setting::new("x", text, Evidence::path("/x")));
    is_disk_pattern(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_another_machine_gives_otherwise() {
        let text = "/dev/sda2 \"/dev/vdb\" a|/dev/sdc.*| r|^/dev/nvme0n1p1$| /dev/cciss/c0d0p1 \
                    /dev/disk/by-path/pci-0000:00:05.0 /dev/disk/by-id/scsi-36001 /dev/hda,x";
        let found: Vec<_> = find(text).collect();
        assert_eq!(
            found,
            [
                "/dev/sda2",
                "/dev/vdb",
                "/dev/sdc.",
                "/dev/nvme0n1p1",
                "/dev/cciss/c0d0p1",
                "/dev/disk/by-path/pci-0000:00:05.0",
                "/dev/disk/by-id/scsi-36001",
                "/dev/hda",
            ]
        );
        let none = "/dev/mapper/vg-root /dev/vg/sda /dev/disk/by-uuid/1 /dev/md0 /dev/hdparm-x \
                    /dev/disk/by-id/lvm-pv-uuid-x /dev/sr0 /dev/null /dev/dm-0 UUID=1";
        assert_eq!(find(none).collect::<Vec<_>>(), [""; 0]);
        assert!(is_disk_pattern("sd*[!0-9]|vd*") && !is_disk_pattern("ttyS*"));
    }
}
