//! The folder of the sockets, which is gone afterwards.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use super::console::ConsoleSocket;
use super::shell::ShellSocket;
use crate::agent::hex;

/// Where the sockets of machines that are left up may be.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    /// A folder of the user's own.
    pub(crate) folder: PathBuf,
}

/// A folder that nobody else may look into, for as long as this lives.
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn new(hold: &Hold) -> io::Result<Self> {
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let path = hold.folder.join(format!("hold-{}", hex(&random)));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&hold.folder)?;
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    pub(super) fn console(&self) -> io::Result<ConsoleSocket> {
        ConsoleSocket::new(self.0.join("console"))
    }

    pub(super) fn shell(&self) -> io::Result<ShellSocket> {
        ShellSocket::new(self.0.join("shell"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed is a socket that nobody listens to.
        let _ = fs::remove_dir_all(&self.0);
    }
}
