//! QEMU, from its start to its end: the console is read, the power button is pressed over QMP.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// Where QEMU finds us, in the current folder.
pub(crate) const QMP_SOCKET: &str = "qmp";

/// Longer than a boot or a shutdown ever takes, in emulation on a busy machine too.
const LIMIT: Duration = Duration::from_secs(900);

/// QEMU's answer to a command.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How long it took, from QEMU's start.
pub(crate) struct Times {
    pub(crate) multi_user: Duration,
    pub(crate) all: Duration,
}

/// A QEMU that runs; dropped, it is ended.
pub(crate) struct Running {
    child: Child,
    console: Receiver<String>,
    monitor: UnixListener,
    started: Instant,
}

impl Running {
    pub(crate) fn start(program: &Path, arguments: &[OsString]) -> anyhow::Result<Self> {
        // Bound before QEMU starts, which connects at once: nobody polls.
        let monitor = UnixListener::bind(QMP_SOCKET).context("binding the monitor's socket")?;
        let started = Instant::now();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| program.display().to_string())?;
        let stdout = child.stdout.take().context("stdout was asked for")?;
        let (sender, console) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            console,
            monitor,
            started,
        })
    }

    pub(crate) fn boot_and_power_off(mut self) -> anyhow::Result<Times> {
        self.console_until(is_multi_user)?
            .context("the machine ended before multi-user")?;
        let multi_user = self.started.elapsed();
        self.press_power_button()?;
        // The console ends when QEMU does.
        self.console_until(|_| false)?;
        let status = self.child.wait()?;
        let all = self.started.elapsed();
        if !status.success() {
            bail!("QEMU failed: {status}");
        }
        std::fs::remove_file(QMP_SOCKET)?;
        Ok(Times { multi_user, all })
    }

    /// Reads on to the line that is wanted; `None` when the console ended first.
    fn console_until(&self, wanted: impl Fn(&str) -> bool) -> anyhow::Result<Option<()>> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.console.recv_timeout(left) {
                Ok(line) if wanted(&line) => return Ok(Some(())),
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => bail!("not there after {LIMIT:?}"),
            }
        }
    }

    fn press_power_button(&self) -> anyhow::Result<()> {
        // QEMU runs a guest only when it has connected: this cannot block.
        let (mut stream, _) = self.monitor.accept()?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let mut answers = BufReader::new(stream.try_clone()?).lines();
        answers.next().context("QEMU greets")??;
        for command in ["qmp_capabilities", "system_powerdown"] {
            writeln!(stream, "{{\"execute\": \"{command}\"}}")?;
            let answer = answers.next().context("QEMU answers")??;
            if answer.contains("\"error\"") {
                bail!("{command}: {answer}");
            }
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After a sound end both do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What systemd says: with the unit's name since version 250, before that with its description.
fn is_multi_user(line: &str) -> bool {
    line.contains("Reached target")
        && (line.contains("multi-user.target") || line.contains("Multi-User System"))
}
