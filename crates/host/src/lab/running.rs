//! A lab that runs and that we are connected to.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{TryRecvError, channel, sync_channel};
use std::time::{Duration, Instant};

use super::archive::archive;
use super::arguments::Size;
use super::link::{LabHello, Link};
use super::place::{INITRAMFS, LAB, MONITOR, Place};
use super::plug::{Monitor, Number};
use super::qemu::{Guarded, Life, Order, Started, command};
use super::sink::{Sink, Told};
use crate::HostError;
use crate::local::ports::Event;
use crate::local::qmp;

/// How long QEMU may take to listen.
const LISTEN_LIMIT: Duration = Duration::from_secs(30);

/// How long the lab's Linux may take to be up, with other programs beside it.
const BOOT_LIMIT: Duration = Duration::from_secs(180);

/// Events of QEMU's that wait.
const EVENTS: usize = 16;

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
        guarded.end();
    }
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
