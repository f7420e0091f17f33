//! Serves the host's requests, one machine at a time. The machine starts no process, so no child
//! of another's ever becomes ours to wait for.

use std::io;
use std::time::Duration;

use detente_machine::lab::{PROTOCOL, Request, Said};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::machine::{Ended, Machine};
use super::port::{Came, LabPort};
use super::pulse::Pulse;
use super::{Places, disks, port, say};
use crate::kvm;

/// How often it is looked whether a host that went away has come back: its port tells that it is
/// gone without end.
const GONE_PAUSE: Duration = Duration::from_millis(50);

/// How long nothing need happen.
const IDLE: Duration = Duration::from_secs(1);
const WHILE_IDLE: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// The lab's side of the protocol.
pub(super) struct Server {
    port: LabPort,
    places: Places,
    machine: Option<Machine>,
    pulse: Pulse,
}

/// Whether the lab goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Serve,
    Leave,
}

impl Server {
    pub(super) fn new(port: LabPort, places: Places) -> io::Result<Self> {
        Ok(Self {
            port,
            places,
            machine: None,
            pulse: Pulse::start()?,
        })
    }

    /// Serves until the host wants the lab off. No machine runs afterwards.
    pub(super) fn serve(mut self) -> io::Result<()> {
        let result = self.serve_all();
        let ended = self.end_machine();
        result.and(ended.map(drop))
    }

    fn serve_all(&mut self) -> io::Result<()> {
        loop {
            self.watch_machine()?;
            match self.port.next()? {
                Came::Asked(asked) => {
                    if self.answer(asked.id, asked.request)? == Next::Leave {
                        return Ok(());
                    }
                }
                Came::Nonsense(why) => say(&format!("what the host sent is no request: {why}")),
                Came::Nothing => self.wait()?,
                Came::Gone => {
                    if self.end_machine()?.is_some() {
                        say("the host has gone away; its machine was ended");
                    }
                    std::thread::sleep(GONE_PAUSE);
                }
            }
        }
    }

    /// Waits until something happens.
    fn wait(&self) -> io::Result<()> {
        let lab = self.port.fd();
        let mut fds = vec![PollFd::from_borrowed_fd(lab, PollFlags::IN)];
        if let Some(machine) = &self.machine {
            let machine = machine.fds();
            fds.extend(machine.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        }
        let due = self.machine.as_ref().and_then(Machine::due_in);
        let patience = due.and_then(|due| Timespec::try_from(due.min(IDLE)).ok());
        match poll(&mut fds, Some(&patience.unwrap_or(WHILE_IDLE))) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn watch_machine(&mut self) -> io::Result<()> {
        let Some(machine) = &mut self.machine else {
            return Ok(());
        };
        machine.listen();
        machine.kill_if_due()?;
        if let Some(ended) = machine.try_end()? {
            self.machine = None;
            self.tell_end(ended)?;
        }
        Ok(())
    }

    fn answer(&mut self, id: u64, request: Request) -> io::Result<Next> {
        let said = match request {
            Request::Hello { protocol: PROTOCOL } => Said::Hello {
                id,
                protocol: PROTOCOL,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                kernel: rustix::system::uname()
                    .release()
                    .to_string_lossy()
                    .into_owned(),
                kvm_refused: kvm_refused(),
            },
            Request::Hello { protocol } => Said::Failed {
                id,
                why: format!("the host speaks version {protocol}, the lab version {PROTOCOL}"),
            },
            Request::Start {
                port,
                disks,
                kill_after_ms,
            } => match self.start(id, &port, &disks) {
                Ok(()) => {
                    if let (Some(machine), Some(after)) = (&mut self.machine, kill_after_ms) {
                        machine.kill_after(Duration::from_millis(after));
                    }
                    Said::Done { id }
                }
                Err(why) => Said::Failed { id, why },
            },
            Request::Stop => {
                self.end_machine()?;
                Said::Done { id }
            }
            Request::Pulse => {
                self.pulse.beat();
                return Ok(Next::Serve);
            }
            Request::PowerOff => {
                self.end_machine()?;
                self.port.say(&Said::Done { id })?;
                return Ok(Next::Leave);
            }
        };
        self.port.say(&said)?;
        Ok(Next::Serve)
    }

    fn start(&mut self, id: u64, port: &str, disks: &[String]) -> Result<(), String> {
        if self.machine.is_some() {
            return Err("a machine runs already".to_owned());
        }
        let device = port::wait(&self.places, port)?;
        disks::link(&self.places, disks)?;
        let machine = Machine::start(id, &self.places.program, &device)
            .map_err(|error| format!("the machine's program cannot be started: {error}"))?;
        self.machine = Some(machine);
        Ok(())
    }

    /// Ends the machine, if there is one, and tells the host.
    fn end_machine(&mut self) -> io::Result<Option<()>> {
        let Some(machine) = self.machine.take() else {
            return Ok(None);
        };
        let ended = machine.end()?;
        self.tell_end(ended).map(Some)
    }

    fn tell_end(&mut self, ended: Ended) -> io::Result<()> {
        self.port.say(&Said::Ended {
            id: ended.id,
            status: ended.status,
            stderr: ended.stderr,
        })
    }
}

/// Why KVM cannot run the machine here, if it cannot.
fn kvm_refused() -> Option<String> {
    let report = kvm::probe();
    (!report.usable).then_some(report.sentence)
}

#[cfg(test)]
mod tests;
