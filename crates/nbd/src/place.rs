//! The socket's place in the file system.

use std::ffi::{OsStr, OsString};
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
        let folder = rustix::fs::open(folder, flags, Mode::empty())?;
        let short = through("self", &folder, name);
        let socket = rustix::net::socket_with(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )?;
        rustix::net::bind(&socket, &SocketAddrUnix::new(&short)?)?;
        // Only from here on is what is there ours to remove.
        let name = name.to_owned();
        let place = Self { path, folder, name };
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
        through(&std::process::id().to_string(), &self.folder, &self.name)
    }
}

/// A name in a folder, by the descriptor that this process of ours has of the folder.
fn through(process: &str, folder: &OwnedFd, name: &OsStr) -> PathBuf {
    let folder = format!("/proc/{process}/fd/{}", folder.as_raw_fd());
    Path::new(&folder).join(name)
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = unlinkat(&self.folder, &self.name, AtFlags::empty());
    }
}
