//! The machine's process.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// How much of its standard error is kept: the end.
const STDERR_BYTES: usize = 16 * 1024;

/// A machine's process that was not yet waited for.
pub(super) struct Machine {
    /// The number of the request that started it.
    pub(super) id: u64,
    child: Child,
    descriptor: OwnedFd,
    stderr: ChildStderr,
    tail: Vec<u8>,
    /// When it is to be killed.
    due: Option<Instant>,
}

/// How a machine's process ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) id: u64,
    pub(super) status: String,
    pub(super) stderr: String,
}

impl Machine {
    pub(super) fn start(id: u64, program: &Path, port: &Path) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg("--port")
            .arg(port)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let descriptor = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        let stderr = child.stderr.take().ok_or(ErrorKind::BrokenPipe)?;
        fcntl_setfl(&stderr, fcntl_getfl(&stderr)? | OFlags::NONBLOCK)?;
        Ok(Self {
            id,
            child,
            descriptor,
            stderr,
            tail: Vec::new(),
            due: None,
        })
    }

    /// Has it killed so long from now.
    pub(super) fn kill_after(&mut self, after: Duration) {
        self.due = Instant::now().checked_add(after);
    }

    /// How long it still has, if it is to be killed.
    pub(super) fn due_in(&self) -> Option<Duration> {
        let due = self.due?;
        Some(due.saturating_duration_since(Instant::now()))
    }

    /// Kills it when its time has come. What becomes of it is told like any other end.
    pub(super) fn kill_if_due(&mut self) -> io::Result<()> {
        if self.due_in() == Some(Duration::ZERO) {
            self.due = None;
            self.child.kill()?;
        }
        Ok(())
    }

    /// What becomes readable when it says something, and when it ends.
    pub(super) fn fds(&self) -> [BorrowedFd<'_>; 2] {
        [self.stderr.as_fd(), self.descriptor.as_fd()]
    }

    /// Takes what it wrote, for the lab's console and for the report of its end.
    pub(super) fn listen(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = self.stderr.read(&mut buffer) {
            let bytes = buffer.get(..count).unwrap_or_default();
            let _ = io::stderr().write_all(bytes);
            self.tail.extend_from_slice(bytes);
            let excess = self.tail.len().saturating_sub(STDERR_BYTES);
            self.tail.drain(..excess);
        }
    }

    /// How it ended, if it has.
    pub(super) fn try_end(&mut self) -> io::Result<Option<Ended>> {
        let Some(status) = self.child.try_wait()? else {
            return Ok(None);
        };
        Ok(Some(self.report(status)))
    }

    /// Ends it however it is.
    pub(super) fn end(mut self) -> io::Result<Ended> {
        self.child.kill()?;
        let status = self.child.wait()?;
        Ok(self.report(status))
    }

    fn report(&mut self, status: ExitStatus) -> Ended {
        self.listen();
        Ended {
            id: self.id,
            status: in_words(status),
            stderr: String::from_utf8_lossy(&self.tail).trim().to_owned(),
        }
    }
}

fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}
