//! The console: its first bytes go into a file and become events, the rest is thrown away.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::SyncSender;

use super::ports::{Event, PIECE_BYTES, gather, read_some};
use crate::{HostError, MachineEvent, Port};

/// How much of a console is kept, in the file and in events. A boot that says everything it can
/// stays below 2 MiB.
pub const CONSOLE_LIMIT_BYTES: u64 = 8 * 1024 * 1024;

pub(crate) fn create(work: &Path) -> Result<File, HostError> {
    File::create(work.join("console.log")).map_err(|source| HostError::Io {
        action: "creating the console's file",
        source,
    })
}

/// Reads the console until it closes. Whatever happens to the file or to whoever listens, it is
/// read on, since a guest must not stop at a full pipe.
pub(crate) fn read(mut socket: UnixStream, file: File, events: &SyncSender<Event>) {
    let mut keeper = Keeper::new(file);
    let mut buffer = vec![0; PIECE_BYTES];
    while keeper.is_keeping()
        && let Ok(count @ 1..) = gather(&mut socket, &mut buffer)
    {
        keeper.take(&buffer[..count], events);
    }
    while let Ok(1..) = read_some(&mut socket, &mut buffer) {}
}

/// Keeps a console up to its limit.
pub(crate) struct Keeper {
    file: File,
    left: u64,
    keeping: bool,
}

impl Keeper {
    pub(crate) fn new(file: File) -> Self {
        Self {
            file,
            left: CONSOLE_LIMIT_BYTES,
            keeping: true,
        }
    }

    fn is_keeping(&self) -> bool {
        self.keeping
    }

    /// Takes a piece, of at most 64 KiB: into the file, and on as an event.
    pub(crate) fn take(&mut self, bytes: &[u8], events: &SyncSender<Event>) {
        if !self.keeping {
            return;
        }
        let kept = bytes
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= kept as u64;
        if kept > 0
            && let Err(source) = self.file.write_all(&bytes[..kept])
        {
            self.keeping = false;
            let _ = events.send(Err(HostError::Io {
                action: "writing the console's file",
                source,
            }));
            return;
        }
        if kept > 0 {
            let event = MachineEvent::Output {
                port: Port::Console,
                bytes: bytes[..kept].to_vec(),
            };
            self.keeping = events.send(Ok(event)).is_ok();
        }
        if kept < bytes.len() {
            self.keeping = false;
            let _ = events.send(Ok(MachineEvent::ConsoleFlood {
                limit_bytes: CONSOLE_LIMIT_BYTES,
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CONSOLE_LIMIT_BYTES, MachineEvent, UnixStream, read};
    use std::io::Write as _;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn a_flood_is_cut_at_the_limit_and_drained() {
        let folder = tempfile::tempdir().unwrap();
        let file = super::create(folder.path()).unwrap();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (events, received) = sync_channel(4);
        let reader = std::thread::spawn(move || read(ours, file, &events));
        let guest = std::thread::spawn(move || {
            let piece = vec![b'x'; 1024 * 1024];
            // Twice the limit: the guest must get rid of all of it.
            for _ in 0..16 {
                theirs.write_all(&piece).unwrap();
            }
        });
        let (mut bytes_seen, mut floods) = (0, 0);
        for event in received {
            match event.unwrap() {
                MachineEvent::Output { bytes, .. } => bytes_seen += bytes.len() as u64,
                MachineEvent::ConsoleFlood { limit_bytes } => {
                    floods += 1;
                    assert_eq!(limit_bytes, CONSOLE_LIMIT_BYTES);
                }
                other => panic!("{other:?}"),
            }
        }
        guest.join().unwrap();
        reader.join().unwrap();
        assert_eq!((bytes_seen, floods), (CONSOLE_LIMIT_BYTES, 1));
        let file = std::fs::metadata(folder.path().join("console.log")).unwrap();
        assert_eq!(file.len(), CONSOLE_LIMIT_BYTES);
    }
}
