//! The side that reads: what the machine says becomes events, files, frames and replies.

use std::io::{self, Read as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use detente_machine::hyperv::{Answer, Ending, Event as Said, FrameReader, Kind};

use super::super::log::Log;
use super::super::network::Bridge;
use crate::local::console::Keeper;
use crate::local::ports::{Event, PIECE_BYTES};
use crate::local::process::wait_readable;
use crate::{HostError, MachineEvent, Port, PowerOff};

/// How often it is looked whether the machine's process has gone, and how long its stream must
/// have been quiet then for everything to have come.
const QUIET: Duration = Duration::from_millis(100);

/// What was said to whoever asks.
pub(super) enum Reply {
    Hello { protocol: u32, version: String },
    Answered { id: u64, answer: Answer },
}

/// Where what the machine says goes.
pub(crate) struct Outlets {
    pub(crate) events: SyncSender<Event>,
    pub(crate) console: Keeper,
    pub(crate) bridge: Bridge,
    pub(crate) log: Log,
    /// Set once the machine's process is known to be gone: the stream itself may not tell.
    pub(crate) gone: Arc<AtomicBool>,
}

/// The side that reads.
pub(super) struct Reader {
    pub(super) socket: UnixStream,
    pub(super) frames: FrameReader,
    pub(super) outlets: Outlets,
    pub(super) replies: SyncSender<Reply>,
    pub(super) ours: Arc<AtomicU64>,
}

impl Reader {
    pub(super) fn run(mut self) {
        let result = self.read();
        self.outlets.bridge.close();
        // A virtual port whose reader has gone takes nothing and says nothing: whoever writes to it
        // would wait for ever.
        let _ = self.socket.shutdown(Shutdown::Both);
        if let Err(source) = result {
            let _ = self.outlets.events.send(Err(HostError::Io {
                action: "reading what the machine says",
                source,
            }));
        }
    }

    fn read(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            self.outlets.bridge.flush();
            let gone = self.outlets.gone.load(Ordering::Acquire);
            if !wait_readable(&self.socket, Some(QUIET))? {
                if gone {
                    return Ok(());
                }
                continue;
            }
            match self.socket.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => self.frames.feed(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // The end of a machine that was killed with bytes on their way.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
                Err(error) => return Err(error),
            }
            while let Some(frame) = self.frames.next_frame().map_err(io::Error::other)? {
                self.take(frame.kind, &frame.body)?;
            }
        }
    }

    fn take(&mut self, kind: Kind, body: &[u8]) -> io::Result<()> {
        match kind {
            Kind::Control => self.said(serde_json::from_slice(body).map_err(io::Error::other)?),
            Kind::ConsoleOutput => {
                for piece in body.chunks(PIECE_BYTES) {
                    self.outlets.console.take(piece, &self.outlets.events);
                }
            }
            Kind::AgentOutput => {
                for piece in body.chunks(PIECE_BYTES) {
                    self.tell(MachineEvent::Output {
                        port: Port::AgentSerial,
                        bytes: piece.to_vec(),
                    });
                }
            }
            Kind::NetworkOutput => self.outlets.bridge.take(body),
            Kind::ConsoleInput | Kind::AgentInput | Kind::NetworkInput => {
                return Err(io::Error::other(format!("{kind:?} goes the other way")));
            }
        }
        Ok(())
    }

    fn said(&mut self, said: Said) {
        match said {
            Said::Hello { protocol, version } => self.reply(Reply::Hello { protocol, version }),
            Said::Answered { id, answer } if id == self.ours.load(Ordering::Acquire) => {
                self.reply(Reply::Answered { id, answer });
            }
            Said::Answered { id, answer } => self.tell(MachineEvent::Answered { id, answer }),
            Said::Ended { ending } => {
                let event = of_ending(ending);
                let _ = self.outlets.events.send(event);
            }
            Said::Crash { parameters } => {
                self.tell(MachineEvent::Crashed { parameters });
                self.tell(MachineEvent::PowerOff(PowerOff::GuestPanic));
            }
            Said::Bus { what } => self.tell(MachineEvent::Bus(what)),
            Said::Heartbeat { sent, answered } => {
                self.tell(MachineEvent::Heartbeat { sent, answered });
            }
            Said::Log { text } => self.outlets.log.take(&text),
        }
    }

    fn reply(&self, reply: Reply) {
        match self.replies.try_send(reply) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    fn tell(&self, event: MachineEvent) {
        let _ = self.outlets.events.send(Ok(event));
    }
}

fn of_ending(ending: Ending) -> Event {
    match ending {
        Ending::PowerOff => Ok(MachineEvent::PowerOff(PowerOff::Guest)),
        // What a processor does that meets a third fault.
        Ending::Reset | Ending::TripleFault => Ok(MachineEvent::Reset),
        Ending::Quit => Ok(MachineEvent::PowerOff(PowerOff::Host)),
        Ending::Failed { why } => Err(HostError::Failed {
            action: "running the Hyper-V-compatible machine",
            detail: why,
        }),
    }
}
