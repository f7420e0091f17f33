//! The machine's ports: what comes out becomes events, what goes in waits in a bounded queue.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{SendFlags, send};

use crate::{HostError, MachineEvent, Port};

/// What flows to whoever holds the machine.
pub(crate) type Event = Result<MachineEvent, HostError>;

/// The most that one event holds.
pub(crate) const PIECE_BYTES: usize = 64 * 1024;

/// QEMU sends the bytes of a serial port one by one: a short wait makes lines of them. It is short
/// because the kernel takes only some 300 such bytes before the port, and the guest, must wait.
const GATHER: Duration = Duration::from_millis(1);

/// Below this a piece is worth waiting for more.
const SMALL_BYTES: usize = 256;

/// What waits for a guest that does not read, beside what the kernel holds.
const QUEUE_BYTES: usize = 1024 * 1024;

/// Turns what comes out of a port into events, until the port closes.
///
/// Nothing is kept here: who does not take the events stops the guest's port.
pub(crate) fn read(mut socket: UnixStream, port: Port, events: &SyncSender<Event>) {
    let mut buffer = vec![0; PIECE_BYTES];
    while let Ok(count @ 1..) = gather(&mut socket, &mut buffer) {
        let event = MachineEvent::Output {
            port,
            bytes: buffer[..count].to_vec(),
        };
        if events.send(Ok(event)).is_err() {
            break;
        }
    }
}

/// Reads what there is, and what comes within a moment.
pub(crate) fn gather(socket: &mut UnixStream, buffer: &mut [u8]) -> io::Result<usize> {
    let count = read_some(socket, buffer)?;
    if count == 0 || count >= SMALL_BYTES {
        return Ok(count);
    }
    std::thread::sleep(GATHER);
    match super::process::wait_readable(socket, Some(Duration::ZERO)) {
        Ok(true) => Ok(count + read_some(socket, &mut buffer[count..])?),
        Ok(false) | Err(_) => Ok(count),
    }
}

/// A read that a signal does not end.
pub(crate) fn read_some(socket: &mut UnixStream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match socket.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The way into a port.
pub(crate) struct Writer {
    socket: UnixStream,
    waiting: VecDeque<u8>,
}

impl Writer {
    pub(crate) fn new(socket: UnixStream) -> Self {
        Self {
            socket,
            waiting: VecDeque::new(),
        }
    }

    /// Queues all of `bytes`, or none of them when the queue is full.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.flush()?;
        if self.waiting.len().saturating_add(bytes.len()) <= QUEUE_BYTES {
            self.waiting.extend(bytes);
        }
        self.flush()
    }

    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Sends what the guest takes now.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while !self.waiting.is_empty() {
            let (first, _) = self.waiting.as_slices();
            match send(
                &self.socket,
                first,
                SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
            ) {
                Ok(count) => drop(self.waiting.drain(..count)),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => {
                    self.waiting.clear();
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{QUEUE_BYTES, UnixStream, Writer};
    use std::io::Read;

    #[test]
    fn a_guest_that_does_not_read_costs_a_bounded_queue() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut writer = Writer::new(ours);
        for _ in 0..100 {
            writer.send(&[7; 65_536]).unwrap();
        }
        assert!(writer.is_waiting());
        assert!(writer.waiting.len() <= QUEUE_BYTES);
        drop(theirs);
        assert!(writer.send(b"x").is_err());
    }

    #[test]
    fn what_waited_arrives_in_order() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut writer = Writer::new(ours);
        let sent: Vec<u8> = (0..600_000_u32).map(|n| (n % 253) as u8).collect();
        for piece in sent.chunks(50_000) {
            writer.send(piece).unwrap();
        }
        let mut got = vec![0; sent.len()];
        let (mut at, mut rounds) = (0, 0);
        while at < got.len() && rounds < 1000 {
            at += theirs.read(&mut got[at..]).unwrap();
            writer.flush().unwrap();
            rounds += 1;
        }
        assert!(got == sent);
    }
}
