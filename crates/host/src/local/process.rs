//! A machine's process, QEMU's or our own machine's: started by a thread that lives as long as it does, waited for and ended
//! through a descriptor, never by a number that somebody else may have by then.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ChildStderr, Command, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::ports::Event;
use crate::{HostError, MachineEvent};

/// How often the process is asked for its largest memory while it runs.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(500);

/// When it is asked first: a process may be short-lived.
const FIRST_SAMPLE: Duration = Duration::from_millis(10);

/// How much of its standard error is kept: the end.
const STDERR_BYTES: usize = 16 * 1024;

/// A process that runs, or has run.
pub(crate) struct Process {
    descriptor: OwnedFd,
    id: Pid,
    peak: AtomicU64,
}

impl Process {
    /// Kills it, unless it has ended.
    pub(crate) fn kill(&self) -> io::Result<()> {
        match pidfd_send_signal(&self.descriptor, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for its end, but no longer than `limit`. Says whether it has ended.
    pub(crate) fn wait(&self, limit: Duration) -> io::Result<bool> {
        wait_readable(&self.descriptor, Some(limit))
    }

    /// The largest resident memory seen, in bytes.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        match self.peak.load(Ordering::Relaxed) {
            0 => None,
            bytes => Some(bytes),
        }
    }

    /// Looks how much memory it has used at most. It must not have been waited for.
    pub(crate) fn sample(&self) {
        let path = format!("/proc/{}/status", self.id);
        let Ok(status) = std::fs::read_to_string(path) else {
            return;
        };
        // The number may be another's only after the descriptor says that ours has ended.
        if let (Some(bytes), Ok(false)) = (peak_memory(&status), self.wait(Duration::ZERO)) {
            self.peak.fetch_max(bytes, Ordering::Relaxed);
        }
    }
}

fn peak_memory(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Waits until a descriptor is readable. Says whether it is.
pub(crate) fn wait_readable(descriptor: &impl AsFd, limit: Option<Duration>) -> io::Result<bool> {
    let timeout = limit.and_then(|limit| Timespec::try_from(limit).ok());
    loop {
        match poll(
            &mut [PollFd::new(descriptor, PollFlags::IN)],
            timeout.as_ref(),
        ) {
            Ok(count) => return Ok(count > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A process, and the thread that watches it.
pub(crate) struct Watched {
    pub(crate) process: Arc<Process>,
    pub(crate) watcher: JoinHandle<String>,
    /// Where the watcher is told which threads to wait for before it reports the end.
    pub(crate) readers: Sender<Readers>,
}

/// What the watcher needs to report the end after everything else.
pub(crate) struct Readers {
    pub(crate) threads: Vec<JoinHandle<()>>,
    pub(crate) events: SyncSender<Event>,
}

/// Starts `command`, which is guarded, in a thread of its own.
pub(crate) fn start(name: &str, command: Command) -> Result<Watched, HostError> {
    let (started, start) = channel();
    let (readers, later) = channel();
    let watcher = std::thread::Builder::new()
        .name(format!("watch {name}"))
        .spawn(move || watch(command, &started, &later))
        .map_err(|source| HostError::Io {
            action: "starting a thread",
            source,
        })?;
    let process = start
        .recv()
        .unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
        .map_err(|source| HostError::Io {
            action: "starting the machine's program",
            source,
        })?;
    Ok(Watched {
        process,
        watcher,
        readers,
    })
}

fn watch(
    command: Command,
    started: &Sender<io::Result<Arc<Process>>>,
    readers: &Receiver<Readers>,
) -> String {
    let (mut child, process) = match spawn(command) {
        Ok(pair) => pair,
        Err(error) => {
            let status = error.to_string();
            let _ = started.send(Err(error));
            return status;
        }
    };
    let tail = Arc::new(Mutex::new(Vec::new()));
    let stderr = child.stderr.take().map(|stream| keep_tail(stream, &tail));
    let _ = started.send(Ok(Arc::clone(&process)));
    let status = wait(&mut child, &process);
    if let Some(Ok(thread)) = stderr {
        let _ = thread.join();
    }
    let tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
    let stderr = String::from_utf8_lossy(&tail).trim().to_owned();
    // What the guest said last comes before its end.
    if let Ok(readers) = readers.recv() {
        for thread in readers.threads {
            let _ = thread.join();
        }
        let _ = readers.events.send(Ok(MachineEvent::Exited {
            status: status.clone(),
            stderr,
        }));
    }
    status
}

fn spawn(mut command: Command) -> io::Result<(Child, Arc<Process>)> {
    let mut child = command.spawn()?;
    // Our copies of its ends close with the command: what is read ends when the process does.
    drop(command);
    let id = Pid::from_child(&child);
    match pidfd_open(id, PidfdFlags::empty()) {
        Ok(descriptor) => {
            let process = Process {
                descriptor,
                id,
                peak: AtomicU64::new(0),
            };
            Ok((child, Arc::new(process)))
        }
        Err(error) => {
            child.kill()?;
            child.wait()?;
            Err(error.into())
        }
    }
}

fn wait(child: &mut Child, process: &Process) -> String {
    let mut interval = FIRST_SAMPLE;
    while matches!(process.wait(interval), Ok(false)) {
        process.sample();
        interval = (interval * 2).min(SAMPLE_INTERVAL);
    }
    match child.wait() {
        Ok(status) => in_words(status),
        Err(error) => format!("unknown end ({error})"),
    }
}

fn in_words(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

fn keep_tail(mut stream: ChildStderr, tail: &Arc<Mutex<Vec<u8>>>) -> io::Result<JoinHandle<()>> {
    let tail = Arc::clone(tail);
    std::thread::Builder::new()
        .name("machine stderr".to_owned())
        .spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
                tail.extend_from_slice(&buffer[..count]);
                let excess = tail.len().saturating_sub(STDERR_BYTES);
                tail.drain(..excess);
            }
        })
}

#[cfg(test)]
mod tests {
    use super::peak_memory;

    #[test]
    fn the_peak_is_the_high_water_mark_not_the_present() {
        let status = "Name:\tqemu\nVmPeak:\t 9 kB\nVmHWM:\t  12 kB\nVmRSS:\t   8 kB\n";
        assert_eq!(peak_memory(status), Some(12 * 1024));
        assert_eq!(peak_memory("Name:\tzombie\n"), None);
    }
}
