//! A lab that runs and that we are connected to.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::net::sockopt::socket_peercred;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::archive::{Programs, archive};
use super::arguments::{Size, arguments};
use super::kernel::LabKernel;
use super::link::{LabHello, Link};
use super::place::{CONSOLE, INITRAMFS, LAB, MONITOR, Place, QEMU_LOG};
use super::plug::{Monitor, Number};
use super::sink::{Sink, Told};
use crate::HostError;
use crate::local::ports::Event;
use crate::local::process::{self, Process};
use crate::local::{child, qmp};

/// How long QEMU may take to listen.
const LISTEN_LIMIT: Duration = Duration::from_secs(30);

/// How long the lab's Linux may take to be up, with other programs beside it.
const BOOT_LIMIT: Duration = Duration::from_secs(180);

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

/// A lab that we are connected to.
pub(crate) struct Lab {
    pub(crate) monitor: Monitor,
    pub(crate) link: Link,
    pub(crate) sink: Sink,
    pub(crate) hello: LabHello,
    pub(crate) size: Size,
    machines: u32,
    /// QEMU, where it dies with us.
    process: Option<Guarded>,
    pub(crate) place: Place,
}

/// A process of ours, and the thread that it is bound to.
struct Guarded {
    process: Arc<Process>,
    watcher: JoinHandle<String>,
}

impl Lab {
    /// Boots a lab and waits until it can start machines.
    pub(crate) fn boot(order: &Order<'_>, place: Place, life: Life) -> Result<Self, HostError> {
        place.empty();
        let modules = order.kernel.load_modules()?;
        let bytes = archive(order.programs, &modules);
        std::fs::write(place.file(INITRAMFS), bytes).map_err(io("writing the lab's initramfs"))?;
        let mut started = Started::start(command(order, &place)?, life)?;
        let monitor = place.connect_soon(MONITOR, LISTEN_LIMIT, || {
            started
                .is_there()
                .then_some(())
                .ok_or_else(|| not_up(&place))
        });
        match monitor.and_then(|monitor| Self::connect(place, monitor, order.size)) {
            Ok(mut lab) => {
                lab.process = started.into_guarded();
                Ok(lab)
            }
            Err(error) => {
                started.kill();
                Err(error)
            }
        }
    }

    /// Connects to a lab whose monitor answers, and takes out what earlier hosts left in it.
    pub(crate) fn connect(
        place: Place,
        monitor: UnixStream,
        size: Size,
    ) -> Result<Self, HostError> {
        let sink = Sink::default();
        let (client, reader) = qmp::open(monitor).map_err(io("sharing sockets"))?;
        let (sender, events) = sync_channel::<Event>(EVENTS);
        let (up, down) = channel::<()>();
        let (told, folder) = (sink.clone(), place.folder().to_owned());
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(work)
                .map_err(io("starting threads"))
        };
        spawn("lab monitor", Box::new(move || reader.run(&sender, || ())))?;
        spawn(
            "lab events",
            Box::new(move || {
                // Held while QEMU is there.
                let _up = up;
                for event in events {
                    if let Err(error) = event {
                        told.tell(Told::Broken(error));
                    }
                }
                told.tell(Told::Broken(has_ended(&folder)));
                told.tell(Told::Ended {
                    status: "the lab ended".to_owned(),
                    stderr: String::new(),
                });
            }),
        )?;
        let mut monitor = Monitor(client);
        let negotiated = monitor.0.negotiate();
        negotiated.map_err(|error| error.during("connecting to the lab"))?;
        let alive = || match down.try_recv() {
            Err(TryRecvError::Disconnected) => Err(not_up(&place)),
            Ok(()) | Err(TryRecvError::Empty) => Ok(()),
        };
        let socket = place.connect_soon(LAB, LISTEN_LIMIT, alive)?;
        let mut link = Link::open(socket, sink.clone()).map_err(io("starting threads"))?;
        let hello = link.hello(Instant::now() + BOOT_LIMIT, alive)?;
        if let Some(why) = &hello.kvm_refused {
            return Err(HostError::Failed {
                action: "starting the lab",
                detail: format!("KVM does not work in it: {why}"),
            });
        }
        monitor.unplug_all()?;
        Ok(Self {
            monitor,
            link,
            sink,
            hello,
            size,
            machines: 0,
            process: None,
            place,
        })
    }

    /// The next machine's number.
    pub(crate) fn next_number(&mut self) -> Number {
        self.machines += 1;
        Number(self.machines)
    }

    /// The largest resident memory seen of QEMU, where it is ours.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        self.process.as_ref()?.process.peak_memory()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.sink.close();
        let Some(guarded) = self.process.take() else {
            return;
        };
        let _ = self.monitor.0.post("quit");
        if !matches!(guarded.process.wait(QUIT_LIMIT), Ok(true)) {
            let _ = guarded.process.kill();
        }
        let _ = guarded.watcher.join();
    }
}

/// QEMU, just started.
enum Started {
    Guarded(Guarded, Receiver<Event>),
    Detached(Child),
}

impl Started {
    fn start(mut command: Command, life: Life) -> Result<Self, HostError> {
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

    fn is_there(&mut self) -> bool {
        match self {
            Self::Guarded(_, ended) => ended.try_recv().is_err(),
            Self::Detached(child) => matches!(child.try_wait(), Ok(None)),
        }
    }

    fn kill(self) {
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

    fn into_guarded(self) -> Option<Guarded> {
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

fn command(order: &Order<'_>, place: &Place) -> Result<Command, HostError> {
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

fn not_up(place: &Place) -> HostError {
    HostError::Failed {
        action: "starting the lab",
        detail: format!("it ended before it was up: {}", place.last_words()),
    }
}

fn has_ended(folder: &Path) -> HostError {
    let words = super::place::last_words(folder);
    HostError::Failed {
        action: "running the lab",
        detail: format!("it has ended: {words}"),
    }
}

fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> HostError {
    move |source| HostError::Io { action, source }
}
