//! Bytes over TCP, and the same bytes back.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use detente_plan::protocol::Transfer;
use sha2::{Digest as _, Sha256};

use super::Limits;
use crate::seeded::{Seeded, finish_hex};
use crate::task_error::{Doing as _, TaskError};

const CHUNK: usize = 64 * 1024;
const RESERVE: Duration = Duration::from_secs(1);

/// Sends `bytes` to the service and takes what comes back, both at the same time.
pub(super) fn run(
    (address, port): ([u8; 4], u16),
    bytes: u64,
    seed: u64,
    limits: &Limits,
) -> Result<Transfer, TaskError> {
    let service = SocketAddr::from((Ipv4Addr::from(address), port));
    let patience = limits.left(RESERVE).max(Duration::from_millis(1));
    let start = Instant::now();
    let stream =
        TcpStream::connect_timeout(&service, patience).doing(&format!("connect to {service}"))?;
    let (sent, received) = thread::scope(|scope| {
        let receiver = scope.spawn(|| receive(&stream, bytes, limits));
        let sent = send(&stream, bytes, seed);
        let received = receiver.join().unwrap_or_else(|_| (0, String::new()));
        (sent, received)
    });
    let (sent_bytes, sent_sha256) = sent;
    let (received_bytes, received_sha256) = received;
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Transfer {
        sent_bytes,
        sent_sha256,
        received_bytes,
        received_sha256,
        elapsed_ms,
    })
}

/// Sends until done or broken; how far it came is the observation.
fn send(mut stream: &TcpStream, bytes: u64, seed: u64) -> (u64, String) {
    let (mut content, mut digest) = (Seeded::new(seed), Sha256::new());
    let mut memory = vec![0; CHUNK];
    let mut sent = 0_u64;
    while sent < bytes {
        let len = usize::try_from(bytes.saturating_sub(sent))
            .unwrap_or(CHUNK)
            .min(CHUNK);
        let chunk = memory.get_mut(..len).unwrap_or_default();
        content.fill(chunk);
        if stream.write_all(chunk).is_err() {
            break;
        }
        digest.update(&*chunk);
        sent = sent.saturating_add(len as u64);
    }
    // The other side learns that there is no more; it may have gone already.
    let _ = stream.shutdown(Shutdown::Write);
    (sent, finish_hex(digest))
}

/// Receives until the end, until one chunk more than was sent, or until the time is over.
fn receive(mut stream: &TcpStream, bytes: u64, limits: &Limits) -> (u64, String) {
    let mut digest = Sha256::new();
    let mut memory = vec![0; CHUNK];
    let mut received = 0_u64;
    while received <= bytes {
        let patience = limits.left(RESERVE).max(Duration::from_millis(1));
        let read = stream
            .set_read_timeout(Some(patience))
            .and_then(|()| stream.read(&mut memory));
        match read {
            Ok(0) => break,
            Ok(count) => {
                digest.update(memory.get(..count).unwrap_or_default());
                received = received.saturating_add(count as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => {
                // The sender must not wait for somebody who has given up.
                let _ = stream.shutdown(Shutdown::Both);
                break;
            }
        }
    }
    (received, finish_hex(digest))
}
