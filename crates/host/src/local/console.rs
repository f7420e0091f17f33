//! The console: its first bytes go into a file and become events, the rest is thrown away.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::SyncSender;

use super::ports::{Event, PIECE_BYTES, gather, read_some};
use crate::{HostError, MachineEvent, Port};

/// How much of a console is kept, in the file and in events. A boot that says everything it can
/// stays below 2 MiB.
pub const CONSOLE_LIMIT_BYTES: u64 = 8 * 1024 * 1024;

pub(super) fn create(work: &Path) -> Result<File, HostError> {
    File::create(work.join("console.log")).map_err(|source| HostError::Io {
        action: "creating the console's file",
        source,
    })
}

/// Reads the console until it closes. Whatever happens to the file or to whoever listens, it is
/// read on, since a guest must not stop at a full pipe.
pub(super) fn read(mut socket: UnixStream, mut file: File, events: &SyncSender<Event>) {
    let result = keep(&mut socket, &mut file, events);
    if let Err(source) = result {
        let _ = events.send(Err(HostError::Io {
            action: "writing the console's file",
            source,
        }));
    }
    let mut buffer = vec![0; PIECE_BYTES];
    while let Ok(1..) = read_some(&mut socket, &mut buffer) {}
}

fn keep(
    socket: &mut UnixStream,
    file: &mut impl Write,
    events: &SyncSender<Event>,
) -> io::Result<()> {
    let mut buffer = vec![0; PIECE_BYTES];
    let mut left = CONSOLE_LIMIT_BYTES;
    while let Ok(count @ 1..) = gather(socket, &mut buffer) {
        let kept = count.min(usize::try_from(left).unwrap_or(usize::MAX));
        left -= kept as u64;
        let bytes = buffer[..kept].to_vec();
        if kept > 0 {
            file.write_all(&bytes)?;
            let port = Port::Console;
            if events
                .send(Ok(MachineEvent::Output { port, bytes }))
                .is_err()
            {
                return Ok(());
            }
        }
        if kept < count {
            let _ = events.send(Ok(MachineEvent::ConsoleFlood {
                limit_bytes: CONSOLE_LIMIT_BYTES,
            }));
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{CONSOLE_LIMIT_BYTES, MachineEvent, UnixStream, Write, read};
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
