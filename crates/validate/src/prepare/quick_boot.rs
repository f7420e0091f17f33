//! The command line of the preparing boot: only what the guest's own tools need is started.

/// The state of systemd in which every local file system is mounted, devices are known and
/// temporary files are made, and no service runs yet (bootup(7)).
const TARGET: &str = "systemd.unit=sysinit.target";

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
/// does not know the word starts as ever.
pub(crate) fn quick(line: &str) -> String {
    let own = line.split_ascii_whitespace();
    let mut options: Vec<&str> = own.filter(|option| !tells_a_target(option)).collect();
    // Before what is for the init alone, which the kernel leaves unread.
    let end = options.iter().position(|option| *option == "--");
    options.insert(end.unwrap_or(options.len()), TARGET);
    options.join(" ")
}

#[cfg(test)]
mod tests {
    use super::quick;

    #[track_caller]
    fn check(line: &str, expect: &str) {
        assert_eq!(quick(line), expect);
    }

    #[test]
    fn no_more_is_started_than_is_needed() {
        check("ro quiet", "ro quiet systemd.unit=sysinit.target");
        check(
            "ro systemd.unit=graphical.target 3 root=/dev/sda1 single",
            "ro root=/dev/sda1 systemd.unit=sysinit.target",
        );
        check("ro -- x", "ro systemd.unit=sysinit.target -- x");
    }
}
