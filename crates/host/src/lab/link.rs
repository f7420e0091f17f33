//! The way to the lab's first process.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use detente_machine::hyperv::{FrameReader, Kind, encode_json};
use detente_machine::lab::{Asked, PROTOCOL, PULSE_INTERVAL, Request, Said};

use rustix::io::Errno;
use rustix::net::{SendFlags, send};

use super::sink::{Sink, Told};
use crate::HostError;

/// How often the lab is asked who it is until it answers: what an earlier host left half said may
/// swallow the question.
const HELLO_INTERVAL: Duration = Duration::from_secs(2);

/// How long the lab may take to read a request.
const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// Answers that wait for whoever asked.
const ANSWERS: usize = 8;

/// What the lab is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabHello {
    pub(crate) version: String,
    pub(crate) kernel: String,
    pub(crate) kvm_refused: Option<String>,
}

/// The side that asks.
pub(crate) struct Link {
    socket: UnixStream,
    writer: Arc<Mutex<UnixStream>>,
    answers: Receiver<Said>,
    last_id: u64,
}

impl Link {
    /// Starts to read; the ends of machines go into `sink`.
    pub(crate) fn open(socket: UnixStream, sink: Sink) -> io::Result<Self> {
        let (sender, answers) = sync_channel(ANSWERS);
        socket.set_write_timeout(Some(WRITE_LIMIT))?;
        let mut stream = socket.try_clone()?;
        std::thread::Builder::new()
            .name("lab".to_owned())
            .spawn(move || read(&mut stream, &sender, &sink))?;
        let writer = Arc::new(Mutex::new(socket.try_clone()?));
        let pulse = Arc::clone(&writer);
        std::thread::Builder::new()
            .name("lab pulse".to_owned())
            .spawn(move || beat(&pulse))?;
        Ok(Self {
            writer,
            socket,
            answers,
            last_id: 0,
        })
    }

    /// Asks who the lab is, until it says so or `alive` says that there is no use.
    pub(crate) fn hello(
        &mut self,
        deadline: Instant,
        mut alive: impl FnMut() -> Result<(), HostError>,
    ) -> Result<LabHello, HostError> {
        loop {
            alive()?;
            let until = deadline.min(Instant::now() + HELLO_INTERVAL);
            let protocol = PROTOCOL;
            match self.ask(Request::Hello { protocol }, until) {
                Ok(Said::Hello {
                    version,
                    kernel,
                    kvm_refused,
                    ..
                }) => {
                    return Ok(LabHello {
                        version,
                        kernel,
                        kvm_refused,
                    });
                }
                Ok(Said::Failed { why, .. }) => return Err(asking(why)),
                Ok(said @ (Said::Done { .. } | Said::Ended { .. })) => {
                    return Err(asking(format!("it answered {said:?}")));
                }
                Err(error) if Instant::now() >= deadline => return Err(error),
                // An end of the connection is for `alive` to tell.
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Asks for something that is done or not.
    pub(crate) fn order(&mut self, request: Request, limit: Duration) -> Result<(), HostError> {
        match self.ask(request, Instant::now() + limit)? {
            Said::Done { .. } => Ok(()),
            Said::Failed { why, .. } => Err(asking(why)),
            said @ (Said::Hello { .. } | Said::Ended { .. }) => {
                Err(asking(format!("it answered {said:?}")))
            }
        }
    }

    fn ask(&mut self, request: Request, deadline: Instant) -> Result<Said, HostError> {
        self.last_id += 1;
        let wanted = self.last_id;
        let id = wanted;
        write(&self.writer, &Asked { id, request }).map_err(|source| HostError::Io {
            action: "asking the lab",
            source,
        })?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left) {
                Ok(said) if id_of(&said) == wanted => return Ok(said),
                // The late answer to a question that was given up.
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    return Err(asking("it did not answer in time".to_owned()));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(asking("it has ended".into())),
            }
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The lab ends its machine when its host goes away.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// Writes a whole request.
fn write(socket: &Mutex<UnixStream>, asked: &Asked) -> io::Result<()> {
    let bytes = encode_json(Kind::Control, asked).map_err(io::Error::other)?;
    let mut socket = socket.lock().unwrap_or_else(PoisonError::into_inner);
    socket.write_all(&bytes)
}

/// Keeps the lab's processors awake ([`Request::Pulse`]) until the link ends. A lab that does not
/// read is not pressed.
fn beat(socket: &Mutex<UnixStream>) {
    let pulse = Asked {
        id: 0,
        request: Request::Pulse,
    };
    let bytes = encode_json(Kind::Control, &pulse).expect("a pulse can be written as JSON");
    loop {
        let sent = {
            let socket = socket.lock().unwrap_or_else(PoisonError::into_inner);
            send(&*socket, &bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)
        };
        match sent {
            // So few bytes go whole or not at all.
            Ok(count) if count == bytes.len() => {}
            Err(Errno::AGAIN | Errno::INTR) => {}
            Ok(_) | Err(_) => return,
        }
        std::thread::sleep(PULSE_INTERVAL);
    }
}

fn id_of(said: &Said) -> u64 {
    match said {
        Said::Hello { id, .. }
        | Said::Done { id }
        | Said::Failed { id, .. }
        | Said::Ended { id, .. } => *id,
    }
}

fn read(socket: &mut UnixStream, answers: &SyncSender<Said>, sink: &Sink) {
    let mut frames = FrameReader::default();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match socket.read(&mut buffer) {
            Ok(count @ 1..) => frames.feed(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
        }
        loop {
            match frames.next_frame() {
                Ok(Some(frame)) => {
                    // What is none of ours is passed over: the question is asked again.
                    if let Ok(said) = serde_json::from_slice(&frame.body) {
                        pass_on(said, answers, sink);
                    }
                }
                Ok(None) => break,
                Err(_) => {
                    frames = FrameReader::default();
                    break;
                }
            }
        }
    }
}

fn pass_on(said: Said, answers: &SyncSender<Said>, sink: &Sink) {
    if let Said::Ended { status, stderr, .. } = said {
        sink.tell(Told::Ended { status, stderr });
        return;
    }
    match answers.try_send(said) {
        Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
    }
}

fn asking(detail: String) -> HostError {
    HostError::Failed {
        action: "asking the lab",
        detail,
    }
}
