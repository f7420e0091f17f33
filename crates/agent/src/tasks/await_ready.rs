//! Waiting until the guest's init has started everything.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use detente_plan::protocol::{BootState, Selinux};

use super::Limits;
use crate::sysfs;
use crate::systemctl;
use crate::uptime::uptime_ms;

const MAX_FAILED_UNITS: usize = 50;
/// Kept back to ask for the failed units and to report.
const RESERVE: Duration = Duration::from_secs(5);
/// How long systemd may take to answer a question that waits for nothing.
const QUICK: Duration = Duration::from_secs(3);
/// Processes that only run once a guest without systemd lets somebody log in.
const LOGINS: [&str; 7] = [
    "getty", "agetty", "mgetty", "mingetty", "login", "sshd", "dropbear",
];

/// Waits until the guest is up or the time is nearly over.
pub(super) fn run(limits: &Limits) -> BootState {
    let state = await_init(limits);
    let uptime_ms = uptime_ms();
    let failed_units = if is_systemd() {
        failed_units(limits)
    } else {
        Vec::new()
    };
    BootState {
        init: sysfs::text("/proc/1/comm"),
        state,
        failed_units,
        os: ["/etc/os-release", "/usr/lib/os-release"]
            .into_iter()
            .find_map(|path| pretty_name(&sysfs::text(path)))
            .unwrap_or_default(),
        selinux: selinux(&sysfs::text("/sys/fs/selinux/enforce")),
        uptime_ms,
    }
}

/// Finds out which kind of init it is, and waits for it. systemd makes its directory early, but
/// not as the first thing; in any case before anybody can log in.
fn await_init(limits: &Limits) -> String {
    loop {
        if is_systemd() {
            return await_systemd(limits);
        }
        if somebody_can_log_in() {
            return "login-ready".to_owned();
        }
        if limits.left(RESERVE).is_zero() {
            return "unknown".to_owned();
        }
        sleep(Duration::from_millis(500));
    }
}

/// As sd_booted(3) tells.
fn is_systemd() -> bool {
    fs::exists("/run/systemd/system").unwrap_or(false)
}

/// The last word of systemd, `unknown` if it never said one.
fn await_systemd(limits: &Limits) -> String {
    let mut last = "unknown".to_owned();
    loop {
        let left = limits.left(RESERVE);
        // Older ones (239) take `--wait` here but do not wait, so we ask again.
        if fs::exists("/run/systemd/private").unwrap_or(false)
            && let Some(word) =
                systemctl::answer(&["is-system-running", "--wait"], left).and_then(first_word)
        {
            if !matches!(&*word, "initializing" | "starting" | "offline" | "unknown") {
                return word;
            }
            last = word;
        }
        if left.is_zero() {
            // The wait was cut short; without waiting there is an answer.
            let now = systemctl::answer(&["is-system-running"], limits.left(QUICK).min(QUICK));
            return now.and_then(first_word).unwrap_or(last);
        }
        sleep(Duration::from_millis(500).min(left));
    }
}

fn first_word(answer: String) -> Option<String> {
    answer.split_whitespace().next().map(str::to_owned)
}

fn somebody_can_log_in() -> bool {
    let processes = sysfs::names("/proc", 10_000);
    let mut numbers = processes
        .iter()
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    numbers.any(|number| LOGINS.contains(&&*sysfs::text(format!("/proc/{number}/comm"))))
}

fn failed_units(limits: &Limits) -> Vec<String> {
    let words = [
        "list-units",
        "--failed",
        "--plain",
        "--no-legend",
        "--no-pager",
    ];
    units(
        &systemctl::answer(&words, limits.left(Duration::from_secs(1)).min(QUICK))
            .unwrap_or_default(),
    )
}

/// The first column.
fn units(list: &str) -> Vec<String> {
    let names = list
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| *word != "●"));
    names.take(MAX_FAILED_UNITS).map(str::to_owned).collect()
}

/// What SELinux does, by the file of selinuxfs that tells it: 1, 0, or no such file.
pub(super) fn selinux(enforce: &str) -> Selinux {
    match enforce {
        "1" => Selinux::Enforcing,
        "0" => Selinux::Permissive,
        _ => Selinux::Absent,
    }
}

/// `PRETTY_NAME` of an os-release, without its quotes.
fn pretty_name(os_release: &str) -> Option<String> {
    let value = os_release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Selinux, pretty_name, selinux, units};

    #[test]
    fn selinux_is_what_its_file_says() {
        assert_eq!(selinux("1"), Selinux::Enforcing);
        assert_eq!(selinux("0"), Selinux::Permissive);
        assert_eq!(selinux(""), Selinux::Absent);
    }

    #[test]
    fn the_name_comes_without_quotes() {
        let text = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        assert_eq!(pretty_name(text).unwrap(), "Debian GNU/Linux 12 (bookworm)");
        assert_eq!(pretty_name("PRETTY_NAME=Alpine\n").unwrap(), "Alpine");
        assert_eq!(pretty_name("NAME=x"), None);
    }

    #[test]
    fn failed_units_are_the_first_column() {
        let text = "ssh.service loaded failed failed OpenBSD Secure Shell\n\
            ● x.mount loaded failed failed /x\n\n";
        assert_eq!(units(text), ["ssh.service", "x.mount"]);
        assert_eq!(units(&"a b\n".repeat(60)).len(), 50);
    }
}
