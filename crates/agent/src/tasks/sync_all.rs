//! Making everything last that was written.

use std::fs::File;
use std::path::Path;

use detente_plan::protocol::{MountSynced, Synced};

use crate::sysfs;

const MAX_MOUNTS: usize = 1024;

/// Syncs each mounted file system that has a device, once.
pub(super) fn run(mountinfo: &Path) -> Synced {
    let text = sysfs::text(mountinfo);
    let mut done: Vec<&str> = Vec::new();
    let mut synced = Synced { mounts: Vec::new() };
    for (device, place, filesystem) in text.lines().filter_map(parse).take(MAX_MOUNTS) {
        if done.contains(&device) {
            continue;
        }
        done.push(device);
        let place = unescaped(place);
        let ended = File::open(&place).and_then(|file| Ok(rustix::fs::syncfs(file)?));
        synced.mounts.push(MountSynced {
            place,
            filesystem: filesystem.to_owned(),
            error: ended.err().map(|error| error.to_string()),
        });
    }
    synced
}

/// Device numbers, mount point and kind of a mount whose source is a path (proc(5)); file systems
/// of the kernel's own have none.
fn parse(line: &str) -> Option<(&str, &str, &str)> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(2);
    let (device, place) = (before.next()?, before.nth(1)?);
    let mut after = after.split(' ');
    let (filesystem, source) = (after.next()?, after.next()?);
    // A file in place of a folder is opened too; it lies on the same file system.
    source
        .starts_with('/')
        .then_some((device, place, filesystem))
}

/// The kernel writes space, tab, newline and backslash as three octal digits.
fn unescaped(place: &str) -> String {
    let codes = [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ];
    let mut text = place.to_owned();
    for (code, character) in codes {
        text = text.replace(code, character);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{parse, run};

    #[test]
    fn only_file_systems_with_a_device_are_synced_and_each_once() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a b")).unwrap();
        let place = root.path().display();
        let text = format!(
            "21 1 0:20 / /proc rw - proc proc rw\n\
             26 1 254:1 / {place} rw,relatime shared:1 - ext4 /dev/vda1 rw\n\
             27 26 254:1 / {place} rw - ext4 /dev/vda1 rw\n\
             28 26 254:2 / {place}/a\\040b rw - xfs /dev/vda2 rw\n\
             29 26 254:3 / {place}/gone rw - vfat /dev/vda3 rw\n\
             spoiled\n"
        );
        let list = root.path().join("mountinfo");
        fs::write(&list, text).unwrap();
        let synced = run(&list).mounts;
        let seen: Vec<(&str, bool)> = synced
            .iter()
            .map(|mount| (&*mount.filesystem, mount.error.is_some()))
            .collect();
        assert_eq!(seen, [("ext4", false), ("xfs", false), ("vfat", true)]);
    }

    #[test]
    fn spoiled_lines_are_left_out() {
        assert_eq!(parse("26 1 254:1 / /"), None);
        assert_eq!(parse("26 1 - ext4 /dev/vda1"), None);
        assert_eq!(parse("26 1 254:1 / / rw - ext4"), None);
    }
}
