//! What bears on whether the guest can be supported.

use std::path::Path;

use detente_plan::protocol::{KernelState, Selinux, TaintingModule};

use crate::sysfs;
use crate::tasks::await_ready::selinux;

const MAX_MODULES: usize = 8192;
const MAX_TAINTING: usize = 64;
/// Where distributions put kernels, before the release.
const KERNEL_FILES: [&str; 4] = [
    "boot/vmlinuz-",
    "lib/modules/RELEASE/vmlinuz",
    "usr/lib/modules/RELEASE/vmlinuz",
    "boot/bzImage-",
];

/// Reads it; `root` is the guest's.
pub(super) fn run(root: &Path) -> KernelState {
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy().into_owned();
    let modules = sysfs::names(root.join("sys/module"), MAX_MODULES);
    let tainting = modules.iter().filter_map(|name| {
        let letters = sysfs::text(root.join("sys/module").join(name).join("taint"));
        let name = name.clone();
        (!letters.is_empty()).then_some(TaintingModule { name, letters })
    });
    KernelState {
        tainted: sysfs::text(root.join("proc/sys/kernel/tainted"))
            .parse()
            .ok(),
        modules: u32::try_from(modules.len()).unwrap_or(u32::MAX),
        tainting: tainting.take(MAX_TAINTING).collect(),
        selinux: state(root),
        distribution: distribution(&sysfs::text(root.join("etc/os-release"))),
        kernel_file: kernel_file(root, &release),
        release,
    }
}

fn state(root: &Path) -> Selinux {
    selinux(&sysfs::text(root.join("sys/fs/selinux/enforce")))
}

/// `ID` of an os-release, without its quotes.
fn distribution(os_release: &str) -> String {
    let value = os_release.lines().find_map(|line| line.strip_prefix("ID="));
    let value = value.unwrap_or("").trim().trim_matches(['"', '\'']);
    value.to_owned()
}

/// The first of the places where the kernel's own file is.
fn kernel_file(root: &Path, release: &str) -> Option<String> {
    let places = KERNEL_FILES.iter().map(|place| {
        if place.contains("RELEASE") {
            place.replace("RELEASE", release)
        } else {
            format!("{place}{release}")
        }
    });
    let mut there = places.filter(|place| root.join(place).is_file());
    there.next().map(|place| format!("/{place}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_guest_with_a_tainting_module_says_so() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        for folder in [
            "proc/sys/kernel",
            "sys/module/ext4",
            "sys/module/odd",
            "etc",
            "boot",
        ] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("proc/sys/kernel/tainted"), "4096\n").unwrap();
        fs::write(root.join("sys/module/ext4/taint"), "\n").unwrap();
        fs::write(root.join("sys/module/odd/taint"), "OE\n").unwrap();
        fs::write(root.join("etc/os-release"), "NAME=x\nID=\"debian\"\n").unwrap();
        let seen = run(root);
        assert_eq!((seen.tainted, seen.modules), (Some(4096), 2));
        let [odd] = seen.tainting.as_slice() else {
            panic!("{:?}", seen.tainting);
        };
        assert_eq!((odd.name.as_str(), odd.letters.as_str()), ("odd", "OE"));
        assert_eq!(
            (seen.distribution.as_str(), seen.selinux),
            ("debian", Selinux::Absent)
        );
        assert_eq!(seen.kernel_file, None);
    }

    #[test]
    fn a_kernel_is_found_where_its_distribution_puts_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("lib/modules/6.1");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("vmlinuz"), "").unwrap();
        let found = kernel_file(place.path(), "6.1");
        assert_eq!(found.as_deref(), Some("/lib/modules/6.1/vmlinuz"));
    }
}
