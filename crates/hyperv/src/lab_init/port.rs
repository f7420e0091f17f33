//! Virtio-serial ports: found by name, and the one that the host steers the lab through.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use detente_machine::hyperv::{FrameReader, Kind, encode_json};
use detente_machine::lab::{Asked, Said};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

use super::Places;

/// How long a port may take to appear once its device is there.
const LIMIT: Duration = Duration::from_secs(20);

/// How long the host may take to read a message of ours.
const WRITE_LIMIT: Timespec = Timespec {
    tv_sec: 10,
    tv_nsec: 0,
};

const PAUSE: Duration = Duration::from_millis(5);

const READ_BYTES: usize = 16 * 1024;

/// Waits for the port with a name; gives its device.
pub(super) fn wait(places: &Places, name: &str) -> Result<PathBuf, String> {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(port) = find(&places.sys, name) {
            let device = places.dev.join(port);
            if device.exists() {
                return Ok(device);
            }
        }
        if Instant::now() >= deadline {
            return Err(format!("no port named {name} has appeared"));
        }
        std::thread::sleep(PAUSE);
    }
}

fn find(sys: &Path, name: &str) -> Option<String> {
    let ports = fs::read_dir(sys.join("class/virtio-ports")).ok()?;
    for entry in ports.flatten() {
        let own = fs::read_to_string(entry.path().join("name")).unwrap_or_default();
        if own.trim_end() == name {
            return entry.file_name().into_string().ok();
        }
    }
    None
}

/// What came through the port.
#[derive(Debug)]
pub(super) enum Came {
    /// A request.
    Asked(Asked),
    /// Something that is no request of ours; what follows it was thrown away.
    Nonsense(String),
    /// Nothing for now.
    Nothing,
    /// The host has gone away. It may come back.
    Gone,
}

/// The port that the host steers the lab through.
pub(super) struct LabPort {
    file: File,
    frames: FrameReader,
}

impl LabPort {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
        let file = File::options()
            .read(true)
            .write(true)
            .custom_flags(flags)
            .open(path)?;
        Ok(Self::of(file))
    }

    pub(super) fn of(file: File) -> Self {
        Self {
            file,
            frames: FrameReader::default(),
        }
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// The next thing, without waiting.
    pub(super) fn next(&mut self) -> io::Result<Came> {
        loop {
            match self.frames.next_frame() {
                Ok(Some(frame)) if frame.kind == Kind::Control => {
                    return Ok(match serde_json::from_slice(&frame.body) {
                        Ok(asked) => Came::Asked(asked),
                        Err(error) => Came::Nonsense(error.to_string()),
                    });
                }
                Ok(Some(frame)) => {
                    return Ok(Came::Nonsense(format!("a frame of {:?}", frame.kind)));
                }
                Ok(None) => {}
                Err(error) => {
                    self.forget();
                    return Ok(Came::Nonsense(error.to_string()));
                }
            }
            let mut buffer = [0; READ_BYTES];
            match self.file.read(&mut buffer) {
                Ok(0) => {
                    self.forget();
                    return Ok(Came::Gone);
                }
                Ok(count) => self.frames.feed(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Came::Nothing),
                Err(error) => return Err(error),
            }
        }
    }

    /// Half a message of a host that went away must not be the start of the next host's.
    fn forget(&mut self) {
        self.frames = FrameReader::default();
    }

    /// Tells the host something. A host that does not read is not told.
    pub(super) fn say(&mut self, said: &Said) -> io::Result<()> {
        let bytes = encode_json(Kind::Control, said).map_err(io::Error::other)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let mut port = [PollFd::new(&self.file, PollFlags::OUT)];
                    if poll(&mut port, Some(&WRITE_LIMIT))? == 0 {
                        return Ok(());
                    }
                    if port[0].revents().contains(PollFlags::HUP) {
                        return Ok(());
                    }
                }
                // The host has gone away.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_found_by_its_name() {
        let root = tempfile::tempdir().unwrap();
        for (port, name) in [("vport0p1", "detente.lab\n"), ("vport0p2", "x\n")] {
            let folder = root.path().join("class/virtio-ports").join(port);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("name"), name).unwrap();
        }
        assert_eq!(
            find(root.path(), "detente.lab").as_deref(),
            Some("vport0p1")
        );
        assert_eq!(find(root.path(), "detente.la"), None);
        assert_eq!(find(Path::new("/nowhere"), "detente.lab"), None);
    }
}
