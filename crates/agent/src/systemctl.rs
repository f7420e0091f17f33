//! Asking systemd through the guest's own `systemctl`.
//!
//! With SELinux systemd asks the policy whether the asker may know. Whatever the agent starts
//! carries the kernel's label (`kernel_t`), and Debian 12's policy denies that one `status` of
//! the system. Process 1 had the same label until it loaded the policy and took its own, a step
//! (`dyntransition`) that a policy must allow; so the asker takes it too. It does so in a
//! process of its own, which is lost for nothing else if the policy cuts it off.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The first argument of the asker.
pub(crate) const ROLE: &str = "systemctl";

const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// What the guest's own `systemctl` prints within the limit; `None` if it cannot be run or
/// takes longer.
pub(crate) fn answer(words: &[&str], limit: Duration) -> Option<String> {
    let end = Instant::now() + limit;
    let mut child = Command::new("/proc/self/exe")
        .arg(ROLE)
        .args(words)
        .env_clear()
        .envs([
            ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            ("LANG", "C"),
            ("SYSTEMD_COLORS", "0"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let out = child.stdout.take()?;
    // Its answer is far shorter than a pipe is deep, so it never blocks before it ends.
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() >= end {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        sleep(Duration::from_millis(50));
    }
    let mut answer = Vec::new();
    out.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

/// The asker: becomes `systemctl`; comes back only if that fails.
pub(crate) fn run(words: &[&str]) -> i32 {
    take_label_of_first();
    let _ = Command::new("/usr/bin/systemctl").args(words).exec();
    1
}

/// Takes the label of process 1, whom systemd's policy lets do everything with systemd.
pub(crate) fn take_label_of_first() {
    if fs::exists("/sys/fs/selinux/enforce").unwrap_or(false)
        && let Ok(label) = fs::read("/proc/1/attr/current")
    {
        // If the policy says no, so will systemd, and what is asked of it fails.
        let _ = write_existing("/proc/self/attr/current", &label);
    }
}

/// Writes without asking to create, which the policy would be asked about, and denies aloud.
fn write_existing(path: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    file.write_all(bytes)
}
