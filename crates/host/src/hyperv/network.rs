//! Joins the machine's network card to the same service that answers QEMU's.

use std::io::{self, Read as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use detente_machine::hyperv::{FRAME_LIMIT_BYTES, Kind};

use super::stream::Input;
use crate::local::ports::{Event, Writer};
use crate::network::{self, Behaviour};
use crate::{HostError, NetworkSeen};

const LENGTH_BYTES: usize = 4;

/// The machine's end of the wire to the service.
pub(crate) struct Bridge {
    socket: UnixStream,
    writer: Writer,
}

/// A bridge, and the threads behind it; they end once it is closed.
pub(crate) fn start(
    input: Input,
    behaviour: Behaviour,
    seen: &Arc<Mutex<NetworkSeen>>,
    events: SyncSender<Event>,
) -> io::Result<(Bridge, Vec<JoinHandle<()>>)> {
    let (ours, theirs) = UnixStream::pair()?;
    let bridge = Bridge {
        writer: Writer::new(ours.try_clone()?),
        socket: ours.try_clone()?,
    };
    let seen = Arc::clone(seen);
    let service = std::thread::Builder::new().name("network".to_owned());
    let service = service.spawn(move || {
        if let Err(source) = network::serve(theirs, behaviour, &seen) {
            let action = "serving the network";
            let _ = events.send(Err(HostError::Io { action, source }));
        }
    })?;
    let pump = std::thread::Builder::new().name("network input".to_owned());
    let pump = pump.spawn(move || pump_frames(ours, &input))?;
    Ok((bridge, vec![service, pump]))
}

impl Bridge {
    /// Passes a frame of the guest on, or drops it as a full wire does.
    pub(crate) fn take(&mut self, frame: &[u8]) {
        let Ok(length) = u32::try_from(frame.len()) else {
            return;
        };
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend_from_slice(frame);
        let _ = self.writer.send(&bytes);
    }

    /// Passes on what has waited.
    pub(crate) fn flush(&mut self) {
        let _ = self.writer.flush();
    }

    /// Ends the service.
    pub(crate) fn close(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// The service's frames, each behind its length, to the machine.
fn pump_frames(mut socket: UnixStream, input: &Input) {
    let mut frame = Vec::new();
    loop {
        let mut length = [0; LENGTH_BYTES];
        if socket.read_exact(&mut length).is_err() {
            return;
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > FRAME_LIMIT_BYTES {
            return;
        }
        frame.resize(length, 0);
        if socket.read_exact(&mut frame).is_err() || !input.send(Kind::NetworkInput, &frame) {
            return;
        }
    }
}
