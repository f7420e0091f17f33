//! What answers a machine's network card: a gateway that exists in this process only.
//!
//! QEMU's stream socket brings Ethernet frames, each behind its length (32 bits, big endian). The
//! service answers ARP and ping for two addresses, gives out one address by DHCP, knows one name,
//! says what time it is by NTP,
//! and echoes what it is sent over TCP. No packet goes anywhere else.

mod census;
mod dhcp;
mod dns;
mod echo;
mod link;
mod ntp;
mod service;
#[cfg(test)]
mod tests;

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::NetworkSeen;
use service::Service;

/// The gateway: where the echo service is, and where [`NAME`] points.
pub const GATEWAY: [u8; 4] = [10, 0, 2, 2];

/// The name server.
pub const DNS: [u8; 4] = [10, 0, 2, 3];

/// The address that DHCP gives out.
pub const GUEST: [u8; 4] = [10, 0, 2, 15];

/// The length of the network's prefix.
pub const PREFIX_LEN: u8 = 24;

/// The TCP port of the echo service, on [`GATEWAY`].
pub const ECHO_PORT: u16 = 7007;

/// The one name that exists.
pub const NAME: &str = "host.detente.test";

/// How the service behaves: what a fault may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Behaviour {
    /// Whether DHCP requests are answered.
    pub(crate) dhcp: bool,
    /// Whether the echo flips the lowest bit of the first byte of each connection.
    pub(crate) spoil_transfer: bool,
    /// Whether frames beyond the usual length are carried.
    pub(crate) long_frames: bool,
}

/// What one read takes from the socket.
const READ_BYTES: usize = 256 * 1024;

/// Serves until the other end closes. An error says that it broke the framing, or that the
/// socket failed.
pub(crate) fn serve(
    socket: UnixStream,
    behaviour: Behaviour,
    seen: &Arc<Mutex<NetworkSeen>>,
) -> std::io::Result<()> {
    match serve_frames(socket, behaviour, seen) {
        // The end of a peer that was killed with frames on their way.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}

fn serve_frames(
    mut socket: UnixStream,
    behaviour: Behaviour,
    seen: &Arc<Mutex<NetworkSeen>>,
) -> std::io::Result<()> {
    socket.set_nonblocking(true)?;
    let mut service = Service::new(behaviour);
    let started = Instant::now();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let wanted = wanted(&service);
        wait(&socket, wanted, service.delay(started.elapsed()))?;
        if wanted.contains(PollFlags::IN) {
            match socket.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => service.receive(&buffer[..count]),
                Err(error) if is_transient(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let changed = service.work(started.elapsed());
        flush(&mut socket, &mut service)?;
        if changed {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = service.seen();
        }
        if service.is_broken() {
            return Err(ErrorKind::InvalidData.into());
        }
    }
}

fn wanted(service: &Service) -> PollFlags {
    let mut flags = PollFlags::empty();
    // A peer that does not take our answers gets no more questions in: memory stays bounded.
    flags.set(PollFlags::IN, service.wants_input());
    flags.set(PollFlags::OUT, !service.output().is_empty());
    flags
}

fn wait(socket: &UnixStream, flags: PollFlags, delay: Option<Duration>) -> std::io::Result<()> {
    let timeout = delay.and_then(|delay| Timespec::try_from(delay).ok());
    match poll(&mut [PollFd::new(socket, flags)], timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn flush(socket: &mut UnixStream, service: &mut Service) -> std::io::Result<()> {
    while !service.output().is_empty() {
        match socket.write(service.output()) {
            Ok(count) => service.sent(count),
            Err(error) if is_transient(&error) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_transient(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Feeds a service with what a machine could send, for the hostile tests.
#[doc(hidden)]
pub fn exercise(bytes: &[u8]) {
    let mut service = Service::new(Behaviour {
        dhcp: true,
        spoil_transfer: false,
        long_frames: true,
    });
    let mut now = Duration::ZERO;
    // In two pieces, since a frame may end anywhere.
    let (first, second) = bytes.split_at(bytes.len() / 2);
    for piece in [first, second] {
        service.receive(piece);
        for _ in 0..4 {
            service.work(now);
            let count = service.output().len();
            service.sent(count);
            now += service
                .delay(now)
                .unwrap_or_default()
                .min(Duration::from_secs(1));
        }
    }
    let _ = service.seen();
}
