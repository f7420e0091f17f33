//! The stream between us and the machine's process: threads that read and write it, and the side
//! that asks.

mod reader;

use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use detente_machine::hyperv::{
    Answer, Command, FrameReader, Kind, Order, PROTOCOL, encode, encode_json,
};

use crate::HostError;
pub(crate) use reader::Outlets;
use reader::{Reader, Reply};

/// Frames that wait for a machine that does not read; of at most [`INPUT_PIECE_BYTES`] each.
const INPUT_FRAMES: usize = 256;

/// The longest piece of what is typed or sent to the agent that goes into one frame.
const INPUT_PIECE_BYTES: usize = 16 * 1024;

/// Answers that wait for whoever asked.
const ANSWERS: usize = 8;

/// How long a machine may make no room for what it is sent.
const ROOM_LIMIT: Duration = Duration::from_secs(5);

/// How long nothing else is done while an answer, or room, is waited for.
const PATIENCE: Duration = Duration::from_millis(10);

/// The side that asks.
pub(crate) struct Client {
    socket: UnixStream,
    input: SyncSender<Vec<u8>>,
    replies: Receiver<Reply>,
    last_id: u64,
    /// The question whose answer is waited for here, and not by whoever takes the events.
    ours: Arc<AtomicU64>,
}

/// The way in, for the network's frames.
#[derive(Clone)]
pub(crate) struct Input(SyncSender<Vec<u8>>);

impl Input {
    /// Sends a frame, waiting for room. Says whether the machine is still there.
    pub(crate) fn send(&self, kind: Kind, body: &[u8]) -> bool {
        encode(kind, body).is_ok_and(|frame| self.0.send(frame).is_ok())
    }
}

/// Both ways into and out of a stream, before its threads run.
pub(crate) fn input(socket: &UnixStream) -> io::Result<(Input, impl FnOnce() + Send + 'static)> {
    let (sender, frames) = sync_channel::<Vec<u8>>(INPUT_FRAMES);
    let mut socket = socket.try_clone()?;
    let write = move || {
        for frame in frames {
            if socket.write_all(&frame).is_err() {
                return;
            }
        }
    };
    Ok((Input(sender), write))
}

/// Starts to read the stream. The thread ends with the machine.
pub(crate) fn open(
    socket: UnixStream,
    input: Input,
    outlets: Outlets,
) -> io::Result<(Client, JoinHandle<()>)> {
    let (sender, replies) = sync_channel(ANSWERS);
    let ours = Arc::new(AtomicU64::new(0));
    let reader = Reader {
        socket: socket.try_clone()?,
        frames: FrameReader::default(),
        outlets,
        replies: sender,
        ours: Arc::clone(&ours),
    };
    let thread = std::thread::Builder::new()
        .name("hyperv output".to_owned())
        .spawn(move || reader.run())?;
    let client = Client {
        socket,
        input: input.0,
        replies,
        last_id: 0,
        ours,
    };
    Ok((client, thread))
}

impl Client {
    /// Waits for the machine's first words. They must be of our version.
    pub(crate) fn hello(&mut self, deadline: Instant) -> Result<String, HostError> {
        match self.replies.recv_timeout(left(deadline)) {
            Ok(Reply::Hello {
                protocol: PROTOCOL,
                version,
            }) => Ok(version),
            Ok(Reply::Hello { protocol, version }) => Err(starting(format!(
                "its version {version} speaks protocol {protocol}, we speak {PROTOCOL}"
            ))),
            Ok(Reply::Answered { .. }) => Err(starting("it did not say who it is".to_owned())),
            Err(RecvTimeoutError::Timeout) => Err(starting("it said nothing in time".to_owned())),
            Err(RecvTimeoutError::Disconnected) => {
                Err(starting("it ended before it said anything".to_owned()))
            }
        }
    }

    /// Asks for something. `meanwhile` is called again and again until the answer is there: it
    /// makes room for events, behind which the answer may wait.
    pub(crate) fn ask(
        &mut self,
        command: Command,
        limit: Duration,
        mut meanwhile: impl FnMut(),
    ) -> Result<Answer, HostError> {
        let wanted = self.last_id + 1;
        self.ours.store(wanted, Ordering::Release);
        self.post(command)?;
        let deadline = Instant::now() + limit;
        loop {
            meanwhile();
            match self.replies.recv_timeout(left(deadline).min(PATIENCE)) {
                Ok(Reply::Answered { id, answer }) if id == wanted => return Ok(answer),
                // The late answer to a question that was given up.
                Ok(Reply::Answered { .. } | Reply::Hello { .. }) => {}
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                Err(RecvTimeoutError::Timeout) => {
                    return Err(asking(format!("no answer within {limit:?}")));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(asking("it has ended".into())),
            }
        }
    }

    /// The number of a question.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Asks for something whose answer comes as an event; gives the question's number.
    pub(crate) fn post(&mut self, command: Command) -> Result<u64, HostError> {
        let id = self.next_id();
        let frame = encode_json(Kind::Control, &Order { id, command })
            .map_err(|error| asking(error.to_string()))?;
        self.put(frame, Instant::now() + ROOM_LIMIT)?;
        Ok(id)
    }

    /// Sends bytes into a serial port, waiting for room. The machine reads whether its guest does
    /// or not, so that one which makes no room is in trouble: an error.
    pub(crate) fn send(&self, kind: Kind, bytes: &[u8]) -> Result<(), HostError> {
        self.send_until(kind, bytes, Instant::now() + ROOM_LIMIT)
    }

    fn send_until(&self, kind: Kind, bytes: &[u8], deadline: Instant) -> Result<(), HostError> {
        for piece in bytes.chunks(INPUT_PIECE_BYTES) {
            let frame = encode(kind, piece).map_err(|error| asking(error.to_string()))?;
            self.put(frame, deadline)?;
        }
        Ok(())
    }

    /// Puts a frame in line, once there is room.
    fn put(&self, mut frame: Vec<u8>, deadline: Instant) -> Result<(), HostError> {
        loop {
            frame = match self.input.try_send(frame) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(frame)) if Instant::now() < deadline => frame,
                Err(TrySendError::Full(_)) => return Err(asking("it does not read".to_owned())),
                Err(TrySendError::Disconnected(_)) => {
                    return Err(asking("it has ended".to_owned()));
                }
            };
            std::thread::sleep(PATIENCE);
        }
    }

    /// Ends the stream: nothing is read or written any more.
    pub(crate) fn close(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.close();
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn starting(detail: String) -> HostError {
    HostError::Failed {
        action: "starting the Hyper-V-compatible machine",
        detail,
    }
}

fn asking(detail: String) -> HostError {
    HostError::Failed {
        action: "asking the Hyper-V-compatible machine",
        detail,
    }
}

#[cfg(test)]
mod tests;
