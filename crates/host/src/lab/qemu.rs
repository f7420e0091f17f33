//! QEMU as the lab's process: started, bound to us or not, and ended.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::sockopt::socket_peercred;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::archive::Programs;
use super::arguments::{Size, arguments};
use super::kernel::LabKernel;
use super::place::{CONSOLE, Place, QEMU_LOG};
use crate::HostError;
use crate::local::ports::Event;
use crate::local::process::{self, Process};
use crate::local::{child, qmp};

/// How long QEMU may take to leave by itself, and then the kernel to end it.
const QUIT_LIMIT: Duration = Duration::from_secs(10);

/// Events of QEMU's that wait.
const EVENTS: usize = 16;

/// What is needed to boot a lab.
pub(crate) struct Order<'a> {
    pub(crate) program: PathBuf,
    pub(crate) sandbox: bool,
    pub(crate) kernel: &'a LabKernel,
    pub(crate) programs: &'a Programs,
    pub(crate) size: Size,
}

/// How long a lab lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// With the process that started it.
    WithUs,
    /// Until it is told to end.
    Warm,
}

/// A process of ours, and the thread that it is bound to.
pub(super) struct Guarded {
    pub(super) process: Arc<Process>,
    pub(super) watcher: JoinHandle<String>,
}

/// QEMU, just started.
pub(super) enum Started {
    Guarded(Guarded, Receiver<Event>),
    Detached(Child),
}

impl Started {
    pub(super) fn start(mut command: Command, life: Life) -> Result<Self, HostError> {
        match life {
            Life::WithUs => {
                child::guard(&mut command);
                let watched = process::start("lab", command)?;
                let (events, ended) = sync_channel(1);
                let _ = watched.readers.send(process::Readers {
                    threads: Vec::new(),
                    events,
                });
                let guarded = Guarded {
                    process: watched.process,
                    watcher: watched.watcher,
                };
                Ok(Self::Guarded(guarded, ended))
            }
            Life::Warm => {
                child::detach(&mut command);
                command
                    .spawn()
                    .map(Self::Detached)
                    .map_err(io("starting QEMU"))
            }
        }
    }

    pub(super) fn is_there(&mut self) -> bool {
        match self {
            Self::Guarded(_, ended) => ended.try_recv().is_err(),
            Self::Detached(child) => matches!(child.try_wait(), Ok(None)),
        }
    }

    pub(super) fn kill(self) {
        match self {
            Self::Guarded(guarded, _) => {
                let _ = guarded.process.kill();
                let _ = guarded.watcher.join();
            }
            Self::Detached(mut child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }

    pub(super) fn into_guarded(self) -> Option<Guarded> {
        match self {
            Self::Guarded(guarded, _) => Some(guarded),
            Self::Detached(_) => None,
        }
    }
}

/// Ends a lab that is not bound to us, and waits until its QEMU is gone. One that does not listen
/// to its monitor is killed.
pub(crate) fn quit(place: &Place, monitor: UnixStream) -> Result<(), HostError> {
    let action = "ending the lab";
    let io = |source: std::io::Error| HostError::Io { action, source };
    let owner = socket_peercred(&monitor).map_err(|error| io(error.into()))?;
    let process = pidfd_open(owner.pid, PidfdFlags::empty()).map_err(|error| io(error.into()))?;
    let (mut client, reader) = qmp::open(monitor).map_err(io)?;
    let (sender, _) = sync_channel::<Event>(EVENTS);
    std::thread::Builder::new()
        .name("lab monitor".to_owned())
        .spawn(move || reader.run(&sender, || ()))
        .map_err(io)?;
    let _ = client.negotiate().and_then(|()| client.post("quit"));
    if !process::wait_readable(&process, Some(QUIT_LIMIT)).map_err(io)? {
        pidfd_send_signal(&process, Signal::KILL).map_err(|error| io(error.into()))?;
        if !process::wait_readable(&process, Some(QUIT_LIMIT)).map_err(io)? {
            return Err(HostError::Failed {
                action,
                detail: format!("QEMU still runs {QUIT_LIMIT:?} after it was killed"),
            });
        }
    }
    place.empty();
    Ok(())
}

pub(super) fn command(order: &Order<'_>, place: &Place) -> Result<Command, HostError> {
    let log = std::fs::File::create(place.file(QEMU_LOG)).map_err(io("making the lab's log"))?;
    std::fs::File::create(place.file(CONSOLE)).map_err(io("making the lab's log"))?;
    let mut command = Command::new(&order.program);
    command
        .args(arguments(&order.kernel.image, order.size, order.sandbox))
        .env_clear()
        .current_dir(place.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    Ok(command)
}

impl Guarded {
    /// Waits until it has ended by itself, or ends it.
    pub(super) fn end(self) {
        if !matches!(self.process.wait(QUIT_LIMIT), Ok(true)) {
            let _ = self.process.kill();
        }
        let _ = self.watcher.join();
    }
}

fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> HostError {
    move |source| HostError::Io { action, source }
}
