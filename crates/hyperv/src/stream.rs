//! The one stream of bytes between the machine and its host: opened here, read by one thread and
//! written by another, so that neither direction ever waits for the other.

mod inbox;
mod outbox;

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

pub(crate) use inbox::{Inbound, read_all};
#[cfg(test)]
pub(crate) use outbox::LANE_BYTES;
pub(crate) use outbox::{Lane, Outbox};

/// Where the host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// It listens on a local socket.
    Socket(PathBuf),
    /// It is behind a port of a virtual console: a character device.
    Port(PathBuf),
    /// It gave us a connected socket as standard input.
    StandardInput,
}

impl Endpoint {
    /// Opens both directions.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn open(&self) -> io::Result<(Source, File)> {
        let (both, patient) = match self {
            Self::Socket(path) => (File::from(OwnedFd::from(UnixStream::connect(path)?)), false),
            Self::Port(path) => (OpenOptions::new().read(true).write(true).open(path)?, true),
            Self::StandardInput => (File::from(io::stdin().as_fd().try_clone_to_owned()?), false),
        };
        let file = both.try_clone()?;
        Ok((Source { file, patient }, both))
    }
}

/// The end that is read.
#[derive(Debug)]
pub(crate) struct Source {
    file: File,
    /// Nobody has connected yet. A port of a virtual console reads as ended until then.
    patient: bool,
}

/// How often a port is asked whether somebody has connected.
const PATIENCE: Duration = Duration::from_millis(20);

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read(buf) {
                Ok(0) if self.patient => thread::sleep(PATIENCE),
                Ok(len) => {
                    self.patient = false;
                    return Ok(len);
                }
                Err(error) => return Err(error),
            }
        }
    }
}
