//! The one stream of bytes between the machine and its host: opened here, read by one thread and
//! written by another, so that neither direction ever waits for the other.

mod inbox;
mod outbox;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

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
    pub(crate) fn open(&self) -> io::Result<(File, File)> {
        let both = match self {
            Self::Socket(path) => File::from(OwnedFd::from(UnixStream::connect(path)?)),
            Self::Port(path) => OpenOptions::new().read(true).write(true).open(path)?,
            Self::StandardInput => File::from(io::stdin().as_fd().try_clone_to_owned()?),
        };
        Ok((both.try_clone()?, both))
    }
}
