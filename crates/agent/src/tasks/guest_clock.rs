//! What the guest's clocks say, and who keeps them right.

use std::path::Path;

use detente_plan::protocol::GuestClock;

use super::grown::{monotonic_ms, wall_ms};
use crate::sysfs;

/// Programs that keep a clock right, by the names of their processes (15 bytes).
const KEEPERS: [&str; 5] = ["chronyd", "ntpd", "systemd-timesyn", "openntpd", "ptp4l"];

const MAX_PROCESSES: usize = 10_000;

/// Reads them; `root` has `proc`.
pub(super) fn run(root: &Path) -> GuestClock {
    let processes = sysfs::names(root.join("proc"), MAX_PROCESSES);
    let names = processes
        .iter()
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .map(|name| sysfs::text(root.join("proc").join(name).join("comm")));
    let mut keepers: Vec<String> = names
        .filter(|name| KEEPERS.contains(&name.as_str()))
        .collect();
    keepers.sort();
    keepers.dedup();
    GuestClock {
        wall_ms: wall_ms(),
        monotonic_ms: u64::try_from(monotonic_ms()).unwrap_or(0),
        keepers,
    }
}

#[cfg(test)]
mod tests {
    use super::run;

    #[test]
    fn keepers_are_known_by_their_processes() {
        let root = tempfile::tempdir().unwrap();
        for (number, name) in [("7", "chronyd"), ("8", "chronyd"), ("9", "bash")] {
            let process = root.path().join("proc").join(number);
            std::fs::create_dir_all(&process).unwrap();
            std::fs::write(process.join("comm"), format!("{name}\n")).unwrap();
        }
        let seen = run(root.path());
        assert_eq!(seen.keepers, ["chronyd"]);
        assert!(seen.wall_ms > 0);
    }
}
