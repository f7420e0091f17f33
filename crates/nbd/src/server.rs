//! A socket that clients connect to, a thread for each.

use std::fmt;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::export::Export;
use crate::place::Place;
use crate::session::serve_with;
use crate::wire::Wire;

/// How many clients are served at the same time; others are hung up on. Each costs a thread and at
/// most [`crate::MAX_REQUEST_BYTES`] of memory.
pub const MAX_CONNECTIONS: usize = 16;

/// How long a client may be silent before it uses the disk.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How long nobody is let in when this process is out of descriptors.
const PAUSE: Duration = Duration::from_millis(20);

/// An export served at a Unix socket. Dropping it hangs up on every client and removes the socket.
///
/// ```no_run
/// use std::path::Path;
/// use std::sync::Arc;
///
/// use detente_block::FileBackend;
/// use detente_nbd::{Export, Server};
///
/// let disk = FileBackend::open(Path::new("disk.raw"))?;
/// let server = Server::bind(Path::new("disk.nbd"), Export::read_only(Arc::new(disk)))?;
/// println!("qemu-img info nbd+unix:///?socket={}", server.address().display());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Server {
    listener: Arc<UnixListener>,
    stopping: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
    place: Place,
}

impl Server {
    /// Listens at `socket`, where nothing may be yet, for clients of the same user, and serves them.
    ///
    /// # Errors
    /// What the operating system says; `AddrInUse` when something is there.
    pub fn bind(socket: &Path, export: Export) -> io::Result<Self> {
        let (place, listener) = Place::listen(socket)?;
        let listener = Arc::new(listener);
        let stopping = Arc::new(AtomicBool::new(false));
        let (theirs, stop) = (Arc::clone(&listener), Arc::clone(&stopping));
        let accepting = std::thread::Builder::new()
            .name("nbd".to_owned())
            .spawn(move || accept(&theirs, &export, &stop))?;
        Ok(Self {
            listener,
            stopping,
            accepting: Some(accepting),
            place,
        })
    }

    /// What clients are to connect to: the socket's whole path, or where that is too long for a
    /// socket (107 bytes), one through `/proc` that leads to the same and is good for processes of
    /// the same user.
    #[must_use]
    pub fn address(&self) -> PathBuf {
        self.place.address()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        // A shut listener wakes whoever waits in accept(2), with an error.
        let _ = rustix::net::shutdown(&*self.listener, rustix::net::Shutdown::Both);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// A client and the thread that serves it.
struct Connection {
    stream: UnixStream,
    thread: JoinHandle<()>,
}

/// Lets clients in until it is told to stop, and then hangs up on them.
fn accept(listener: &UnixListener, export: &Export, stopping: &AtomicBool) {
    let mut open: Vec<Connection> = Vec::new();
    while !stopping.load(Ordering::Acquire) {
        match listener.accept() {
            Ok((stream, _)) => {
                open.retain(|connection| !connection.thread.is_finished());
                if open.len() < MAX_CONNECTIONS
                    && let Ok(connection) = Connection::start(stream, export.clone())
                {
                    open.push(connection);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) if stopping.load(Ordering::Acquire) => {}
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
    for connection in &open {
        let _ = connection.stream.shutdown(Shutdown::Both);
    }
    for connection in open {
        let _ = connection.thread.join();
    }
}

impl Connection {
    fn start(stream: UnixStream, export: Export) -> io::Result<Self> {
        stream.set_read_timeout(Some(HANDSHAKE_LIMIT))?;
        let input = stream.try_clone()?;
        let output = stream.try_clone()?;
        let thread = std::thread::Builder::new()
            .name("nbd client".to_owned())
            .spawn(move || {
                // How it went is the client's business: it was told, or broke the rules.
                let wire = Wire::new(&input, &output);
                let _ = serve_with(wire, &export, || input.set_read_timeout(None));
                let _ = input.shutdown(Shutdown::Both);
            })?;
        Ok(Self { stream, thread })
    }
}
