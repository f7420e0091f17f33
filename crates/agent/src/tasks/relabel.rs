//! Asking the guest's own policy for the label of what is new.

use std::path::Path;
use std::process::{Command, Stdio};

/// Where it is on any distribution that has it.
const RESTORECON: [&str; 3] = [
    "usr/sbin/restorecon",
    "sbin/restorecon",
    "usr/bin/restorecon",
];

/// Gives everything below `path` the label that the guest's policy names. Nothing if there is no
/// SELinux, or no `restorecon`; else whether it went well.
pub(super) fn run(root: &Path, path: &Path) -> Option<bool> {
    let active = root.join("sys/fs/selinux/enforce").exists();
    let mut programs = RESTORECON.iter().map(|name| root.join(name));
    let program = programs.find(|program| active && program.is_file())?;
    let ended = Command::new(program)
        .arg("-R")
        .arg(path)
        .env_clear()
        .env("PATH", super::run_tool::PATH)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    Some(ended.is_ok_and(|status| status.success()))
}
