//! The guest's console on a socket.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::session::Session;

/// How many may look on at once.
const CLIENTS: usize = 4;

/// The most bytes that are typed at once.
const TYPED_BYTES: usize = 1_024;

/// A socket; what comes is typed, and everybody sees what the console says.
pub(super) struct ConsoleSocket {
    listener: UnixListener,
    path: PathBuf,
    clients: Vec<UnixStream>,
}

impl ConsoleSocket {
    pub(super) fn new(path: PathBuf) -> io::Result<Self> {
        Ok(Self {
            listener: listener(&path)?,
            path,
            clients: Vec::new(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Passes on what the console has said, and what was typed.
    pub(super) fn serve(&mut self, session: &mut Session, said: &[u8]) {
        self.clients.extend(accepted(&self.listener));
        self.clients.truncate(CLIENTS);
        self.clients.retain_mut(|client| {
            // Who does not read loses what does not fit; who is gone is let go.
            let heard = said.is_empty() || is_there(&client.write(said));
            let mut typed = [0; TYPED_BYTES];
            let read = client.read(&mut typed);
            if let Ok(bytes) = &read
                && let Some(typed) = typed.get(..*bytes)
                && !typed.is_empty()
            {
                session.type_on_console(typed);
            }
            heard && is_there(&read) && !matches!(read, Ok(0))
        });
    }
}

/// A listener that does not wait.
pub(super) fn listener(path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Who wants in now.
pub(super) fn accepted(listener: &UnixListener) -> Option<UnixStream> {
    let (stream, _) = listener.accept().ok()?;
    stream.set_nonblocking(true).ok()?;
    Some(stream)
}

/// Whether somebody is at the other end, whatever came of it.
pub(super) fn is_there(result: &io::Result<usize>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) => matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
        ),
    }
}
