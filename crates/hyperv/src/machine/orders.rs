//! What the host asks for: done at once, or when the guest has answered.

mod disks;
mod kvp;

use std::time::Duration;

use detente_machine::hyperv::{Answer, Command, Event, Order};
use detente_vmbus::ic::{Failure, Pending};
use detente_vmbus::shutdown::{Accepted, Action, Manner};
use detente_vmbus::vss::{Done, Operation};

use super::bus::SharedBus;
use super::devices::{At, Devices};
use super::report;

/// How long a guest may take to answer what its kernel answers.
const KERNEL: Duration = Duration::from_secs(60);
/// How long it may take where a daemon does the work.
const DAEMON: Duration = Duration::from_secs(300);

/// Orders that wait for the guest.
#[derive(Default)]
pub(super) struct Orders {
    waiting: Vec<(u64, Waiting)>,
    quit: bool,
}

/// What an order waits for.
enum Waiting {
    Shutdown(Pending<Accepted>),
    Freeze(Pending<Done>),
    /// A request of the backup service whose failure leaves nothing behind.
    Backup(Pending<Done>),
    Kvp(Pending<detente_vmbus::kvp::Answer>),
}

/// What comes of an order at once.
enum Outcome {
    Now(Answer),
    Later(Waiting),
}

impl Orders {
    /// Takes an order up. What can be said of it at once is given back.
    pub(super) fn take(&mut self, order: Order, devices: &Devices, bus: &SharedBus) -> Vec<Event> {
        let Order { id, command } = order;
        if command == Command::Quit {
            self.quit = true;
        }
        match carry_out(command, devices, bus) {
            Outcome::Now(answer) => vec![Event::Answered { id, answer }],
            Outcome::Later(waiting) => {
                self.waiting.push((id, waiting));
                self.look_after(devices, bus)
            }
        }
    }

    /// The answers that have come by now.
    pub(super) fn look_after(&mut self, devices: &Devices, bus: &SharedBus) -> Vec<Event> {
        let mut answered = Vec::new();
        self.waiting
            .retain(|(id, waiting)| match waiting.look(devices, bus) {
                Some(answer) => {
                    answered.push(Event::Answered { id: *id, answer });
                    false
                }
                None => true,
            });
        answered
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the host wants the machine to end.
    pub(super) fn is_to_quit(&self) -> bool {
        self.quit
    }
}

impl Waiting {
    fn look(&self, devices: &Devices, bus: &SharedBus) -> Option<Answer> {
        match self {
            Self::Shutdown(pending) => Some(done(pending.take()?)),
            Self::Backup(pending) => Some(done(pending.take()?)),
            Self::Freeze(pending) => {
                let result = pending.take()?;
                if result == Err(Failure::NoAnswer) {
                    // It may still happen, and nobody would thaw.
                    let _ = backup(Operation::Thaw, devices, bus);
                }
                Some(done(result))
            }
            Self::Kvp(pending) => Some(kvp::answer(pending.take()?)),
        }
    }
}

fn done<T>(result: Result<T, Failure>) -> Answer {
    match result {
        Ok(_) => Answer::Done,
        Err(failure) => failed(failure.to_string()),
    }
}

fn failed(why: impl Into<String>) -> Answer {
    Answer::Failed { why: why.into() }
}

fn carry_out(command: Command, devices: &Devices, bus: &SharedBus) -> Outcome {
    match command {
        Command::Start { .. } => Outcome::Now(failed("the machine runs already")),
        Command::PowerOff => shut_down(Action::PowerOff, devices, bus),
        Command::Restart => shut_down(Action::Restart, devices, bus),
        Command::Freeze => backup(Operation::Freeze, devices, bus),
        Command::Thaw => backup(Operation::Thaw, devices, bus),
        Command::Kvp { request } => kvp::ask(&request, devices, bus),
        Command::Status => Outcome::Now(status(devices, bus)),
        Command::AddDisk { disk } => Outcome::Now(disks::add(&disk, devices, bus)),
        Command::RemoveDisk { controller, lun } => {
            Outcome::Now(disks::remove(controller, lun, devices, bus))
        }
        Command::ResizeDisk {
            controller,
            lun,
            len_bytes,
        } => Outcome::Now(disks::resize((controller, lun), len_bytes, devices, bus)),
        Command::SyncTime => Outcome::Now(sync_time(devices, bus)),
        Command::Type { text } => Outcome::Now(type_text(&text, devices, bus)),
        Command::Quit => Outcome::Now(Answer::Done),
    }
}

/// Until when, on the machine's clock.
fn until(bus: &SharedBus, limit: Duration) -> Duration {
    bus.clock().elapsed().saturating_add(limit)
}

fn poke<T>(at: &At<T>, bus: &SharedBus) {
    let now = bus.now();
    bus.lock().poke(at.channel, now);
}

fn not_offered(what: &str) -> Outcome {
    Outcome::Now(failed(format!("the machine was made without {what}")))
}

fn shut_down(action: Action, devices: &Devices, bus: &SharedBus) -> Outcome {
    let Some(shutdown) = &devices.shutdown else {
        return not_offered("the shutdown service");
    };
    let pending = shutdown
        .handle
        .request(action, Manner::Forced, until(bus, KERNEL));
    poke(shutdown, bus);
    Outcome::Later(Waiting::Shutdown(pending))
}

fn backup(operation: Operation, devices: &Devices, bus: &SharedBus) -> Outcome {
    let Some(vss) = &devices.vss else {
        return not_offered("the backup service");
    };
    let pending = vss.handle.request(operation, until(bus, DAEMON));
    poke(vss, bus);
    Outcome::Later(if operation == Operation::Freeze {
        Waiting::Freeze(pending)
    } else {
        Waiting::Backup(pending)
    })
}

fn status(devices: &Devices, bus: &SharedBus) -> Answer {
    let version = bus.lock().version();
    let heartbeat = devices.heartbeat.as_ref();
    Answer::Status {
        vmbus: version.map(|version| report::of_raw(version.raw())),
        open_channels: devices.open_classes(),
        heartbeats: heartbeat.map_or(0, |at| at.handle.pulse().answered),
    }
}

fn sync_time(devices: &Devices, bus: &SharedBus) -> Answer {
    let Some(time) = &devices.time_sync else {
        return failed("the machine was made without the time service");
    };
    if !matches!(
        time.handle.report().stage,
        detente_vmbus::ic::Stage::Ready(_)
    ) {
        return failed("the guest has not taken up the time service");
    }
    time.handle.sync();
    poke(time, bus);
    Answer::Done
}

fn type_text(text: &str, devices: &Devices, bus: &SharedBus) -> Answer {
    let Some(keyboard) = &devices.keyboard else {
        return failed("the machine was made without a keyboard");
    };
    match keyboard.handle.text(text) {
        Ok(()) => {
            poke(keyboard, bus);
            Answer::Done
        }
        Err(error) => failed(error.to_string()),
    }
}
