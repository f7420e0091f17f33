//! The command line of the preparing boot: only what the guest's own tools need is started.

/// The state of systemd in which every local file system is mounted, devices are known and
/// temporary files are made, and no service runs yet (bootup(7)).
const TARGET: &str = "systemd.unit=sysinit.target";

/// SELinux notes what its policy forbids, and forbids nothing (Linux, kernel-parameters.txt;
/// libselinux lets it count more than `/etc/selinux/config`). Seen with Debian 12's policy: what the
/// agent starts is `kernel_t`, its `depmod` becomes `kmod_t`, which may not look into the folder
/// where an initramfs is made; `update-initramfs` goes on, and leaves one without `modules.dep`.
/// Labels are made by the same policy as ever.
const PERMISSIVE: &str = "enforcing=0";

/// Units of that state that nothing rests on, and that leave traces on the disk or ask the console
/// (systemd-firstboot(1)): an identity that the guest is to make up at its own first boot, logs,
/// seeds, times. They are masked for this boot alone (systemd.mask=, systemd(1)).
const MASKED: [&str; 7] = [
    "systemd-firstboot.service",
    "systemd-journal-flush.service",
    "systemd-machine-id-commit.service",
    "systemd-random-seed.service",
    "systemd-timesyncd.service",
    "systemd-update-done.service",
    "systemd-update-utmp.service",
];

/// Linux, arch/x86/include/asm/setup.h: `COMMAND_LINE_SIZE`, with its zero byte. What is longer is
/// cut off.
const MAX_BYTES: usize = 2047;

/// Words by which systemd is told another one (kernel-command-line(7)): the last one counts.
fn tells_a_target(option: &str) -> bool {
    let words = [
        "emergency",
        "rescue",
        "single",
        "-b",
        "-s",
        "s",
        "S",
        "1",
        "2",
        "3",
        "4",
        "5",
    ];
    option.starts_with("systemd.unit=") || words.contains(&option)
}

/// The line on which a guest with systemd starts no more than what is needed to change it. What
/// does not know the words starts as ever.
pub(crate) fn quick(line: &str) -> String {
    let own = line.split_ascii_whitespace();
    let options: Vec<&str> = own
        .filter(|option| !tells_a_target(option) && !option.starts_with("enforcing="))
        .collect();
    let masks = MASKED.map(|unit| format!("systemd.mask={unit}"));
    let masks: Vec<&str> = masks.iter().map(String::as_str).collect();
    let all = with(
        &options,
        &[&[PERMISSIVE, TARGET], masks.as_slice()].concat(),
    );
    if all.len() <= MAX_BYTES {
        return all;
    }
    with(&options, &[PERMISSIVE, TARGET])
}

/// More options, before what is for the init alone, which the kernel leaves unread.
fn with(options: &[&str], more: &[&str]) -> String {
    let end = options.iter().position(|option| *option == "--");
    let (kernels, inits) = options.split_at(end.unwrap_or(options.len()));
    [kernels, more, inits].concat().join(" ")
}

#[cfg(test)]
mod tests {
    use super::quick;

    #[track_caller]
    fn check(line: &str, before: &str, after: &str) {
        let masks = "systemd.mask=systemd-firstboot.service \
                     systemd.mask=systemd-journal-flush.service \
                     systemd.mask=systemd-machine-id-commit.service \
                     systemd.mask=systemd-random-seed.service \
                     systemd.mask=systemd-timesyncd.service \
                     systemd.mask=systemd-update-done.service \
                     systemd.mask=systemd-update-utmp.service";
        let expect = format!("{before} enforcing=0 systemd.unit=sysinit.target {masks}{after}");
        assert_eq!(quick(line), expect);
    }

    #[test]
    fn no_more_is_started_than_is_needed() {
        check("ro quiet", "ro quiet", "");
        check(
            "ro systemd.unit=graphical.target 3 root=/dev/sda1 single",
            "ro root=/dev/sda1",
            "",
        );
        check("ro -- x", "ro", " -- x");
        check("ro security=selinux enforcing=1", "ro security=selinux", "");
    }

    #[test]
    fn a_line_that_is_full_gets_the_target_alone() {
        let long = "x".repeat(1900);
        let expect = format!("{long} enforcing=0 systemd.unit=sysinit.target");
        assert_eq!(quick(&long), expect);
    }
}
