//! The folder of a lab: its sockets, its files, and who holds it.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::HostError;

/// The monitor's socket.
pub(crate) const MONITOR: &str = "qmp.sock";
/// The socket of the lab's first process.
pub(crate) const LAB: &str = "lab.sock";
/// What the lab's Linux says.
pub(crate) const CONSOLE: &str = "console.log";
/// What QEMU says.
pub(crate) const QEMU_LOG: &str = "qemu.log";
/// The lab's initramfs.
pub(crate) const INITRAMFS: &str = "initramfs";
const LOCK: &str = "lock";

const PAUSE: Duration = Duration::from_millis(10);

/// How much of a log is quoted.
const QUOTED_BYTES: usize = 600;

/// A lab's folder, held by us alone.
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    handle: File,
    _lock: File,
    /// Whether the folder goes with us.
    passing: bool,
}

/// Why a folder is not ours.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Somebody holds it.
    Held,
    /// It cannot be used.
    Io(io::Error),
}

impl Place {
    /// Takes a folder, made if need be, if nobody holds it.
    pub(crate) fn take(folder: &Path) -> Result<Self, Taken> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(folder).map_err(Taken::Io)?;
        let folder = folder.canonicalize().map_err(Taken::Io)?;
        let lock = File::create(folder.join(LOCK)).map_err(Taken::Io)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Taken::Held,
            TryLockError::Error(error) => Taken::Io(error),
        })?;
        let flags = (OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC).bits();
        let handle = File::options()
            .read(true)
            .custom_flags(flags.cast_signed())
            .open(&folder)
            .map_err(Taken::Io)?;
        Ok(Self {
            folder,
            handle,
            _lock: lock,
            passing: false,
        })
    }

    /// A new folder below `folder` that goes when it is dropped. What labs left there that were
    /// killed with their hosts goes first.
    pub(crate) fn passing(folder: &Path) -> Result<Self, HostError> {
        sweep(folder);
        let mut number = 0_u32;
        loop {
            let name = format!("{}-{number}", std::process::id());
            match Self::take(&folder.join(name)) {
                Ok(mut place) => {
                    place.passing = true;
                    return Ok(place);
                }
                Err(Taken::Held) if number < 1000 => number += 1,
                Err(Taken::Held) => return Err(making(io::ErrorKind::ResourceBusy.into())),
                Err(Taken::Io(source)) => return Err(making(source)),
            }
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Connects to a socket in the folder, by a path that is never too long for one.
    pub(crate) fn connect(&self, name: &str) -> io::Result<UnixStream> {
        UnixStream::connect(format!("/proc/self/fd/{}/{name}", self.handle.as_raw_fd()))
    }

    /// Connects to a socket that a process is about to make.
    pub(crate) fn connect_soon(
        &self,
        name: &str,
        limit: Duration,
        mut alive: impl FnMut() -> Result<(), HostError>,
    ) -> Result<UnixStream, HostError> {
        let deadline = Instant::now() + limit;
        loop {
            match self.connect(name) {
                Ok(socket) => return Ok(socket),
                Err(source) if Instant::now() >= deadline => {
                    let action = "connecting to the lab";
                    return Err(HostError::Io { action, source });
                }
                Err(_) => alive()?,
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// The end of what the lab's Linux and QEMU said.
    pub(crate) fn last_words(&self) -> String {
        last_words(&self.folder)
    }

    /// Takes everything out of the folder but its lock.
    pub(crate) fn empty(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name() != LOCK) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.passing {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The end of what QEMU and the lab's Linux said, by their logs in a lab's folder.
pub(crate) fn last_words(folder: &Path) -> String {
    let words: Vec<String> = [QEMU_LOG, CONSOLE]
        .into_iter()
        .filter_map(|name| {
            let bytes = fs::read(folder.join(name)).ok()?;
            let text = String::from_utf8_lossy(&bytes);
            let text = text.trim();
            let start = text.ceil_char_boundary(text.len().saturating_sub(QUOTED_BYTES));
            let end = text.get(start..).unwrap_or_default();
            (!end.is_empty()).then(|| format!("{name}: {end}"))
        })
        .collect();
    words.join("; ")
}

/// Removes folders that nobody holds.
fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        if let Ok(lock) = File::open(entry.path().join(LOCK))
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn making(source: io::Error) -> HostError {
    HostError::Io {
        action: "making a folder for the lab",
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_held_is_not_taken_twice() {
        let root = tempfile::tempdir().unwrap();
        let held = Place::take(&root.path().join("lab")).unwrap();
        let again = Place::take(held.folder());
        assert!(matches!(again, Err(Taken::Held)));
        let folder = held.folder().to_owned();
        drop(held);
        assert!(Place::take(&folder).is_ok());
    }

    #[test]
    fn a_passing_folder_goes_and_takes_the_deads_with_it() {
        let root = tempfile::tempdir().unwrap();
        let dead = root.path().join("1-0");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        let place = Place::passing(root.path()).unwrap();
        let folder = place.folder().to_owned();
        assert!(folder.is_dir() && !dead.exists());
        let other = Place::passing(root.path()).unwrap();
        assert_ne!(other.folder(), folder);
        drop(place);
        assert!(!folder.exists() && other.folder().is_dir());
    }

    #[test]
    fn a_socket_below_a_long_path_can_be_connected_to() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::take(&root.path().join("x".repeat(120))).unwrap();
        let at = format!("/proc/self/fd/{}/s", place.handle.as_raw_fd());
        let listener = std::os::unix::net::UnixListener::bind(at).unwrap();
        assert!(place.connect("s").is_ok());
        drop(listener);
        assert!(place.connect("s").is_err());
    }
}
