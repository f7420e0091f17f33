//! Runs a helper program for a bounded time, with a bounded answer.

use std::io::{self, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::child;
use super::process::wait_readable;

/// What is read of each stream.
const OUTPUT_LIMIT: u64 = 64 * 1024;

/// How a helper ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `command` to its end, or for `limit`. It may write as much as a pipe holds.
pub(crate) fn run(mut command: Command, limit: Duration) -> io::Result<Ended> {
    command
        .env_clear()
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    child::guard(&mut command);
    let mut child = command.spawn()?;
    let in_time = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())
        .map_err(io::Error::from)
        .and_then(|process| wait_readable(&process, Some(limit)));
    if !matches!(in_time, Ok(true)) {
        // Not yet waited for: the number is still this child's.
        child.kill()?;
    }
    let status = child.wait()?;
    if !in_time? {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(Ended {
        status,
        stdout: text(child.stdout.take())?,
        stderr: text(child.stderr.take())?,
    })
}

fn text(stream: Option<impl Read>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(OUTPUT_LIMIT).read_to_end(&mut bytes)?;
    }
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}
