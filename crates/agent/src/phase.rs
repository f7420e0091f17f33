//! Knowing when the guest has left its initramfs.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::sysfs;

/// What process 1 is called between leaving the initramfs and becoming the final init.
const BETWEEN: [&str; 7] = [
    "run-init",
    "switch_root",
    "busybox",
    "sh",
    "exe",
    "nuke",
    // Ourselves, where we mount the root.
    "agent",
];

/// Watches process 1.
#[derive(Debug)]
pub(crate) struct RootWatch {
    first_device: u64,
    /// How many looks in a row saw the real root.
    streak: u32,
}

impl RootWatch {
    /// `first_device` is the device number of the initramfs's root.
    pub(crate) fn new(first_device: u64) -> Self {
        Self {
            first_device,
            streak: 0,
        }
    }

    /// Whether two looks in a row saw the real root: one alone may fall between the change of
    /// root and the start of the final init.
    pub(crate) fn look(&mut self, proc: &Path) -> bool {
        self.streak = if self.sees_root(&proc.join("1")) {
            self.streak.saturating_add(1)
        } else {
            0
        };
        self.streak >= 2
    }

    fn sees_root(&self, first: &Path) -> bool {
        let init = sysfs::text(first.join("comm"));
        let root = first.join("root");
        let Ok(metadata) = fs::metadata(&root) else {
            return false;
        };
        // systemd in an initramfs keeps its name when it changes the root.
        let initramfs = fs::symlink_metadata(root.join("etc/initrd-release")).is_ok();
        !init.is_empty()
            && !BETWEEN.contains(&init.as_str())
            && metadata.dev() != self.first_device
            && !initramfs
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    use super::RootWatch;

    /// A fake `/proc` whose process 1 is called `init`; the result of the second look.
    fn check(init: &str, release: bool, same_device: bool) -> bool {
        let tree = tempfile::tempdir().unwrap();
        let root = tree.path().join("1/root");
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(tree.path().join("1/comm"), format!("{init}\n")).unwrap();
        if release {
            fs::write(root.join("etc/initrd-release"), "").unwrap();
        }
        let device = fs::metadata(&root).unwrap().dev();
        let mut watch = RootWatch::new(if same_device { device } else { device + 1 });
        assert!(!watch.look(tree.path()), "one look is not enough");
        watch.look(tree.path())
    }

    #[test]
    fn a_final_init_on_another_device_is_the_root() {
        assert!(check("systemd", false, false));
    }

    #[test]
    fn the_root_is_not_there_while_the_release_file_is() {
        assert!(!check("systemd", true, false));
    }

    #[test]
    fn the_root_is_not_there_on_the_first_device() {
        assert!(!check("init", false, true));
    }

    #[test]
    fn the_root_is_not_there_before_the_final_init_runs() {
        assert!(!check("run-init", false, false));
        assert!(!check("agent", false, false));
    }
}
