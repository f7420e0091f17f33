//! The survey: what the initramfs holds and which devices nobody drives.

mod alias;
mod listing;
mod orphans;

use std::path::Path;

use detente_plan::protocol::InitramfsSurvey;

pub(crate) use listing::Listing;

use crate::sysfs;

/// The longest list of names; a frame holds far more.
const MAX_NAMES: usize = 6000;
/// The longest list of devices.
const MAX_DEVICES: usize = 200;

/// Looks at the machine as it is now, with what the initramfs held. `root` has `proc` and `sys`.
pub(crate) fn take(listing: &Listing, root: &Path, uptime_ms: u64) -> InitramfsSurvey {
    let mut truncated = listing.truncated;
    let mut cut = |mut names: Vec<String>, limit: usize| {
        truncated |= names.len() > limit;
        names.truncate(limit);
        names
    };
    let modules = cut(listing.modules.clone(), MAX_NAMES);
    let builtin = cut(listing.builtin.clone(), MAX_NAMES);
    let loaded = cut(loaded(&sysfs::text(root.join("proc/modules"))), MAX_NAMES);
    let block_devices = cut(block_devices(&root.join("sys/class/block")), MAX_DEVICES);
    let mut orphans = orphans::find(&root.join("sys"), &listing.aliases);
    truncated |= orphans.len() > MAX_DEVICES;
    orphans.truncate(MAX_DEVICES);
    let root = root_parameter(&sysfs::text(root.join("proc/cmdline")));
    InitramfsSurvey {
        modules,
        builtin,
        loaded,
        orphans,
        block_devices,
        root,
        uptime_ms,
        truncated,
        kernel_only: listing.kernel_only,
    }
}

/// The names in `/proc/modules`.
fn loaded(modules: &str) -> Vec<String> {
    let mut names: Vec<String> = modules
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}

/// Block devices, without the empty loop and RAM disks that a kernel makes for the asking.
fn block_devices(class: &Path) -> Vec<String> {
    let mut names = sysfs::names(class, 4 * MAX_DEVICES);
    names.retain(|name| !name.starts_with("loop") && !name.starts_with("ram"));
    names
}

/// The last `root=`, as the kernel takes it; empty if there is none.
fn root_parameter(command_line: &str) -> String {
    let mut values = command_line
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("root="));
    values.next_back().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{loaded, root_parameter};

    #[test]
    fn the_last_root_counts() {
        let line = "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro nfsroot=x root=UUID=12-34 quiet";
        assert_eq!(root_parameter(line), "UUID=12-34");
        assert_eq!(root_parameter("quiet"), "");
    }

    #[test]
    fn loaded_modules_are_the_first_words() {
        let text = "virtio_blk 20480 2 - Live 0x0000000000000000\next4 983040 1 - Live 0x0";
        assert_eq!(loaded(text), ["ext4", "virtio_blk"]);
    }
}
