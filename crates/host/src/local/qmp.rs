//! A client for QEMU's machine protocol: one command at a time, events to a channel.

use std::io::{self, BufRead, BufReader, Read};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use rustix::net::{SendFlags, send};
use serde_json::{Value, json};

use super::ports::Event;
use crate::{HostError, MachineEvent, PowerOff};

/// The longest line: QEMU's longest answers to what we ask have a few hundred bytes.
const LINE_BYTES: u64 = 256 * 1024;

/// How long an answer may take. Under load and in software a picture may take seconds.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// How long nothing else is done while an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(10);

/// Answers that wait for whoever asked.
const ANSWERS: usize = 4;

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QmpError {
    #[error("the monitor is closed")]
    Closed,
    #[error("no answer within {ANSWER_LIMIT:?}")]
    Late,
    #[error("{class}: {detail}")]
    Refused { class: String, detail: String },
    #[error("cannot write to the monitor")]
    Io(#[from] io::Error),
}

impl QmpError {
    pub(crate) fn during(self, action: &'static str) -> HostError {
        HostError::Failed {
            action,
            detail: self.to_string(),
        }
    }
}

/// What QEMU says when it is asked.
#[derive(Debug)]
enum Answer {
    Greeting,
    Return { id: u64, value: Value },
    Error { id: u64, error: QmpError },
}

/// What a line is.
#[derive(Debug)]
enum Line {
    Answer(Answer),
    Event(MachineEvent),
    /// The host cannot keep up what the machine stands on.
    Broken(HostError),
    /// An event that nobody waits for.
    Other,
}

/// The side that asks.
pub(crate) struct Client {
    socket: UnixStream,
    answers: Receiver<Answer>,
    last_id: u64,
}

/// The side that reads; to be run by a thread.
pub(crate) struct Reader {
    socket: UnixStream,
    answers: SyncSender<Answer>,
}

/// Both sides of a connection.
pub(crate) fn open(socket: UnixStream) -> io::Result<(Client, Reader)> {
    let (sender, answers) = sync_channel(ANSWERS);
    let reader = Reader {
        socket: socket.try_clone()?,
        answers: sender,
    };
    let client = Client {
        socket,
        answers,
        last_id: 0,
    };
    Ok((client, reader))
}

impl Client {
    /// Takes the greeting and leaves the mode where nothing else is allowed.
    pub(crate) fn negotiate(&mut self) -> Result<(), QmpError> {
        match self.next(Instant::now() + ANSWER_LIMIT)? {
            Answer::Greeting => {}
            Answer::Return { .. } | Answer::Error { .. } => return Err(QmpError::Closed),
        }
        self.execute("qmp_capabilities", json!({}), || ()).map(drop)
    }

    /// Carries out a command. `meanwhile` is called again and again until the answer is there:
    /// it makes room for events, behind which the answer may wait.
    pub(crate) fn execute(
        &mut self,
        command: &str,
        arguments: Value,
        mut meanwhile: impl FnMut(),
    ) -> Result<Value, QmpError> {
        self.last_id += 1;
        let wanted = self.last_id;
        self.write(command, arguments, wanted)?;
        let deadline = Instant::now() + ANSWER_LIMIT;
        loop {
            meanwhile();
            let answer = match self.next(deadline.min(Instant::now() + PATIENCE)) {
                Err(QmpError::Late) if Instant::now() < deadline => continue,
                answer => answer?,
            };
            match answer {
                Answer::Return { id, value } if id == wanted => return Ok(value),
                Answer::Error { id, error } if id == wanted => return Err(error),
                // The late answer to a question that was given up.
                Answer::Greeting | Answer::Return { .. } | Answer::Error { .. } => {}
            }
        }
    }

    /// Asks for something without waiting for the answer.
    pub(crate) fn post(&mut self, command: &str) -> Result<(), QmpError> {
        self.last_id += 1;
        self.write(command, json!({}), self.last_id)
    }

    fn write(&self, command: &str, arguments: Value, id: u64) -> Result<(), QmpError> {
        let mut line = json!({ "execute": command, "arguments": arguments, "id": id }).to_string();
        line.push('\n');
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let sent = send(&self.socket, line.as_bytes(), flags).map_err(io::Error::from)?;
        if sent == line.len() {
            Ok(())
        } else {
            Err(QmpError::Io(io::ErrorKind::WriteZero.into()))
        }
    }

    fn next(&self, deadline: Instant) -> Result<Answer, QmpError> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.answers
            .recv_timeout(left)
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => QmpError::Late,
                RecvTimeoutError::Disconnected => QmpError::Closed,
            })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The reader's half would hold the connection, and QEMU serves one at a time: a lab that is
        // kept warm could not be used a second time.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

impl Reader {
    /// Reads until the connection ends or a line is longer than QEMU's ever are. `on_event` is
    /// called before an event is passed on.
    pub(crate) fn run(self, events: &SyncSender<Event>, on_event: impl Fn()) {
        let mut stream = BufReader::new(self.socket);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = stream
                .by_ref()
                .take(LINE_BYTES)
                .read_until(b'\n', &mut line);
            if !matches!(read, Ok(1..)) || line.last() != Some(&b'\n') {
                return;
            }
            match parse(&line) {
                Some(Line::Answer(answer)) => match self.answers.try_send(answer) {
                    Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
                },
                Some(Line::Event(event)) => {
                    on_event();
                    let _ = events.send(Ok(event));
                }
                Some(Line::Broken(error)) => {
                    on_event();
                    let _ = events.send(Err(error));
                }
                Some(Line::Other) | None => {}
            }
        }
    }
}

/// What a line says; `None` for what is not the protocol.
fn parse(line: &[u8]) -> Option<Line> {
    let message: Value = serde_json::from_slice(line).ok()?;
    if message.get("QMP").is_some() {
        return Some(Line::Answer(Answer::Greeting));
    }
    if let Some(name) = message.get("event") {
        let (name, data) = (name.as_str()?, message.get("data"));
        if let Some(error) = broken_storage(name, data) {
            return Some(Line::Broken(error));
        }
        return Some(event(name, data).map_or(Line::Other, Line::Event));
    }
    let id = message.get("id")?.as_u64()?;
    if let Some(value) = message.get("return") {
        let value = value.clone();
        return Some(Line::Answer(Answer::Return { id, value }));
    }
    let error = message.get("error")?;
    let text = |key| {
        error
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or("?")
            .to_owned()
    };
    let error = QmpError::Refused {
        class: text("class"),
        detail: text("desc"),
    };
    Some(Line::Answer(Answer::Error { id, error }))
}

/// QEMU's qapi/block-core.json: `BLOCK_IO_ERROR`. QEMU stops the machine when its overlay cannot
/// grow, and lets the guest see other errors: only the first is ours to tell.
fn broken_storage(name: &str, data: Option<&Value>) -> Option<HostError> {
    let text = |key| data?.get(key)?.as_str();
    if name != "BLOCK_IO_ERROR" || text("action") != Some("stop") {
        return None;
    }
    let reason = text("reason").unwrap_or("no reason given");
    Some(HostError::Failed {
        action: "writing a disk's overlay",
        detail: format!(
            "{reason}; free some space in the work folder's file system, or name another folder"
        ),
    })
}

/// QEMU's qapi/run-state.json: `ShutdownCause` and the events that carry it.
fn event(name: &str, data: Option<&Value>) -> Option<MachineEvent> {
    let field = |key| data.and_then(|data| data.get(key));
    match name {
        "SHUTDOWN" => Some(match field("reason").and_then(Value::as_str) {
            Some("guest-reset" | "host-qmp-system-reset" | "subsystem-reset") => {
                MachineEvent::Reset
            }
            Some("guest-panic") => MachineEvent::PowerOff(PowerOff::GuestPanic),
            Some("guest-shutdown") => MachineEvent::PowerOff(PowerOff::Guest),
            Some(_) | None => {
                let by_guest = field("guest").and_then(Value::as_bool) == Some(true);
                MachineEvent::PowerOff(if by_guest {
                    PowerOff::Guest
                } else {
                    PowerOff::Host
                })
            }
        }),
        "RESET" => Some(MachineEvent::Reset),
        // Only devices that were plugged in have names that end so.
        "DEVICE_DELETED" => {
            let device = field("device")?.as_str()?;
            let name = device.strip_suffix("-device")?.to_owned();
            Some(MachineEvent::Removed { name })
        }
        "GUEST_PANICKED" => Some(MachineEvent::PowerOff(PowerOff::GuestPanic)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
