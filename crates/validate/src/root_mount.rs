//! What the kernel would do by itself for a guest without an initramfs, read off its command line.

use std::ops::ControlFlow;

use detente_guest::command_line_parameters;
use detente_initramfs::{Entry, Limits, walk};
use detente_plan::protocol::{RootMount, RootWait};

/// Whether an initramfs holds anything but what the kernel itself takes out of it early (microcode,
/// ACPI tables). Where it does not, the kernel mounts the root without any init in between, and the
/// agent has to do that in its place.
pub(crate) fn has_own_init(initramfs: &[u8]) -> bool {
    let mut found = false;
    let mut look = |entry: &Entry, _: &mut dyn std::io::Read| {
        let name = entry.name.trim_start_matches("./");
        let early =
            matches!(name, "" | "." | "kernel" | "early_cpio") || name.starts_with("kernel/");
        found = !early;
        if found {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    // What we cannot unpack, the kernel may: the boot will tell.
    let walked = walk(initramfs, &Limits::default(), &mut look);
    found || walked.is_err()
}

/// What the command line says of the root. Linux, `init/do_mounts.c` and `init/main.c`: the last
/// of a name counts, and the root is mounted read-only unless told otherwise.
pub(crate) fn root_mount(command_line: &str) -> RootMount {
    let mut root = RootMount {
        device: String::new(),
        kinds: Vec::new(),
        options: String::new(),
        read_only: true,
        delay_s: 0,
        wait: RootWait::Probes,
        init: None,
        devtmpfs: true,
    };
    for (name, value) in command_line_parameters(command_line) {
        match (name.as_str(), value) {
            ("root", Some(value)) => root.device = value,
            ("rootfstype", Some(value)) => {
                let kinds = value.split(',').filter(|kind| !kind.is_empty());
                root.kinds = kinds.map(str::to_owned).collect();
            }
            ("rootflags", Some(value)) => root.options = value,
            ("ro", None) => root.read_only = true,
            ("rw", None) => root.read_only = false,
            ("rootdelay", Some(value)) => root.delay_s = value.parse().unwrap_or(0),
            ("rootwait", None) => root.wait = RootWait::Forever,
            ("rootwait", Some(value)) => {
                root.wait = value.parse().map_or(RootWait::Forever, RootWait::Seconds);
            }
            ("init", Some(value)) => root.init = Some(value),
            ("devtmpfs.mount", Some(value)) => root.devtmpfs = value != "0",
            _ => {}
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: RootMount) {
        assert_eq!(root_mount(line), expect, "{line}");
    }

    fn plain(device: &str) -> RootMount {
        RootMount {
            device: device.to_owned(),
            ..root_mount("")
        }
    }

    #[test]
    fn nothing_said_is_what_the_kernel_assumes() {
        let root = root_mount("quiet");
        assert_eq!(root.device, "");
        assert!(root.read_only && root.devtmpfs && root.kinds.is_empty());
        assert_eq!((root.wait, root.init), (RootWait::Probes, None));
    }

    #[test]
    fn the_last_of_a_name_counts() {
        check("root=/dev/sda1 root=PARTUUID=1-2 ro", plain("PARTUUID=1-2"));
        let writable = RootMount {
            read_only: false,
            ..plain("/dev/vda")
        };
        check("ro root=/dev/vda rw", writable);
        check("rw root=/dev/vda ro", plain("/dev/vda"));
    }

    #[test]
    fn everything_about_the_root_is_taken() {
        let root = RootMount {
            kinds: vec!["ext4".to_owned(), "xfs".to_owned()],
            options: "noatime,data=journal".to_owned(),
            delay_s: 3,
            wait: RootWait::Forever,
            init: Some("/sbin/own".to_owned()),
            devtmpfs: false,
            ..plain("/dev/nvme0n1p2")
        };
        check(
            "root=/dev/nvme0n1p2 rootfstype=ext4,xfs rootflags=noatime,data=journal rootdelay=3 \
             rootwait init=/sbin/own devtmpfs.mount=0 -- root=x",
            root,
        );
    }

    #[test]
    fn waiting_has_an_end_where_it_says_so() {
        assert_eq!(root_mount("rootwait=9").wait, RootWait::Seconds(9));
        assert_eq!(root_mount("rootwait=x").wait, RootWait::Forever);
    }
}
