//! Between a worker and a program of the guest's: a process that becomes it.
//!
//! What a worker has inherited from the agent is not for the guest's programs: that the kernel
//! shall end everybody else first when memory is short, and that it can end without a trace.
//! SELinux: what the agent starts carries the label of the kernel (`kernel_t`), which policies let
//! write files and label them. systemd alone asks who it is that asks: for its `systemctl` the
//! label is the one that the agent's own questions have ([`systemctl`]).

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use rustix::fs::Mode;

use crate::systemctl;

/// The first argument of the one that becomes a program.
pub(crate) const ROLE: &str = "tool";

/// What a shell says of a program that it cannot start.
const CANNOT_START: i32 = 126;

/// Becomes `program` in `folder`, with `argv` as it is told; comes back only if that fails.
pub(crate) fn run(folder: &str, program: &str, argv: &[&str]) -> i32 {
    // Where the kernel does not let us, it stays as it is.
    let _ = fs::write("/proc/self/oom_score_adj", "0");
    rustix::process::umask(Mode::WGRP | Mode::WOTH);
    if Path::new(program).ends_with("systemctl") {
        systemctl::take_label_of_first();
    }
    let mut command = Command::new(program);
    if let Some((name, rest)) = argv.split_first() {
        command.arg0(name).args(rest);
    }
    let error = match rustix::process::chdir(folder) {
        Ok(()) => command.exec(),
        Err(error) => error.into(),
    };
    let line = format!("detente-agent: cannot start {program} in {folder}: {error}\n");
    let _ = rustix::io::write(rustix::stdio::stderr(), line.as_bytes());
    CANNOT_START
}
