//! The socket's place in the file system.

use std::ffi::OsString;
use std::fs::Permissions;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, unlinkat};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

/// The longest path of a Unix socket (unix(7): `sun_path` has 108 bytes, and ends with a zero).
const LONGEST_PATH: usize = 107;

/// Connections that wait to be taken.
const BACKLOG: i32 = 16;

/// A socket in a folder; it goes with this.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    folder: OwnedFd,
    name: OsString,
}

impl Place {
    /// Listens at a path where nothing is yet. Nobody but us (and root) can connect.
    pub(crate) fn listen(path: &Path) -> io::Result<(Self, UnixListener)> {
        let path = std::path::absolute(path)?;
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let place = Self {
            folder: rustix::fs::open(folder, flags, Mode::empty())?,
            name: name.to_owned(),
            path,
        };
        let short = place.through("self");
        let socket = rustix::net::socket_with(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )?;
        if let Err(error) = rustix::net::bind(&socket, &SocketAddrUnix::new(&short)?) {
            // What is there is somebody else's.
            std::mem::forget(place);
            return Err(error.into());
        }
        // Before anybody can connect, whatever the mask is.
        std::fs::set_permissions(&short, Permissions::from_mode(0o600))?;
        rustix::net::listen(&socket, BACKLOG)?;
        Ok((place, socket.into()))
    }

    /// A path to the socket that is short enough for one: its own, or one through our process.
    pub(crate) fn address(&self) -> PathBuf {
        if self.path.as_os_str().as_bytes().len() <= LONGEST_PATH {
            return self.path.clone();
        }
        self.through(&std::process::id().to_string())
    }

    /// The socket by the descriptor that a process of this number has of its folder.
    fn through(&self, process: &str) -> PathBuf {
        let folder = format!("/proc/{process}/fd/{}", self.folder.as_raw_fd());
        Path::new(&folder).join(&self.name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = unlinkat(&self.folder, &self.name, AtFlags::empty());
    }
}
