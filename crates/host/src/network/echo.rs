//! The echo service: sends back what it receives, and keeps a digest of it.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::time::Duration;
use smoltcp::wire::{IpListenEndpoint, Ipv4Address};

use super::{ECHO_PORT, GATEWAY};

/// Connections at a time.
const CONNECTIONS: usize = 8;

/// What a connection may have sent to us and we have not taken.
const RECEIVE_BYTES: usize = 256 * 1024;

/// What we may have sent and the guest has not acknowledged: some 90 frames, fewer than the
/// shortest ring of a network card holds, since a full ring is where cards and drivers break.
const SEND_BYTES: usize = 128 * 1024;

/// What waits for a guest that sends without reading. Only beyond it do we stop receiving: with
/// both windows closed the window update of Linux was not accepted (seen with 20 MB through a
/// Debian 12 guest), and the connection stood still.
const WAITING_BYTES: usize = 64 * 1024 * 1024;

/// What is moved at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// A peer that says nothing while we wait for it is given up.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What all connections together came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) connections: u32,
    pub(super) bytes: u64,
    /// Of the connection that ended last, hex.
    pub(super) sha256: String,
}

/// The service.
pub(super) struct Echo {
    slots: Vec<Slot>,
    spoil: bool,
    seen: Seen,
    piece: Vec<u8>,
}

struct Slot {
    socket: SocketHandle,
    waiting: VecDeque<u8>,
    state: State,
}

/// Where one socket stands.
enum State {
    /// Nobody has connected.
    Waiting,
    /// Bytes come in.
    Receiving { digest: Sha256, received: u64 },
    /// The other side has said all; what is left is being sent.
    Finishing,
}

impl Echo {
    pub(super) fn new(sockets: &mut SocketSet<'static>, spoil: bool) -> Self {
        let slots = (0..CONNECTIONS)
            .map(|_| Slot {
                socket: sockets.add(new_socket()),
                waiting: VecDeque::new(),
                state: State::Waiting,
            })
            .collect();
        Self {
            slots,
            spoil,
            seen: Seen::default(),
            piece: vec![0; PIECE_BYTES],
        }
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Moves what can be moved. Says whether anything was.
    pub(super) fn serve(&mut self, sockets: &mut SocketSet<'static>) -> bool {
        let mut served = false;
        for slot in &mut self.slots {
            let socket = sockets.get_mut::<tcp::Socket<'_>>(slot.socket);
            served |= slot.accept(socket, &mut self.seen);
            served |= slot.echo(socket, &mut self.piece, self.spoil, &mut self.seen);
            served |= slot.finish(socket, &mut self.seen);
        }
        served
    }
}

impl Slot {
    fn accept(&mut self, socket: &tcp::Socket<'_>, seen: &mut Seen) -> bool {
        let State::Waiting = self.state else {
            return false;
        };
        if !socket.may_send() {
            return false;
        }
        seen.connections = seen.connections.saturating_add(1);
        self.state = State::Receiving {
            digest: Sha256::new(),
            received: 0,
        };
        true
    }

    fn echo(
        &mut self,
        socket: &mut tcp::Socket<'_>,
        piece: &mut [u8],
        spoil: bool,
        seen: &mut Seen,
    ) -> bool {
        let State::Receiving { digest, received } = &mut self.state else {
            return false;
        };
        let mut served = false;
        while self.waiting.len() < WAITING_BYTES
            && let Ok(count @ 1..) = socket.recv_slice(piece)
        {
            let bytes = &mut piece[..count];
            digest.update(&*bytes);
            if spoil && *received == 0 {
                bytes[0] ^= 1;
            }
            *received += count as u64;
            seen.bytes = seen.bytes.saturating_add(count as u64);
            self.waiting.extend(&*bytes);
            served = true;
        }
        while let (first @ [_, ..], _) = self.waiting.as_slices()
            && let Ok(count @ 1..) = socket.send_slice(first)
        {
            self.waiting.drain(..count);
            served = true;
        }
        served
    }

    /// Closes our half when theirs is closed and all of it is on its way, and listens again.
    fn finish(&mut self, socket: &mut tcp::Socket<'_>, seen: &mut Seen) -> bool {
        let mut served = false;
        let is_over = !socket.may_recv() && socket.recv_queue() == 0 && self.waiting.is_empty();
        if let State::Receiving { digest, .. } = &mut self.state
            && is_over
        {
            seen.sha256 = hex(&std::mem::take(digest).finalize());
            self.state = State::Finishing;
            socket.close();
            served = true;
        }
        if !socket.is_open() {
            self.state = State::Waiting;
            self.waiting = VecDeque::new();
            served |= socket.listen(endpoint()).is_ok();
        }
        served
    }
}

fn new_socket() -> tcp::Socket<'static> {
    let buffer = |len| tcp::SocketBuffer::new(vec![0; len]);
    let mut socket = tcp::Socket::new(buffer(RECEIVE_BYTES), buffer(SEND_BYTES));
    socket.set_nagle_enabled(false);
    socket.set_timeout(Some(TIMEOUT));
    socket
        .listen(endpoint())
        .expect("the socket is new and the port is not 0");
    socket
}

fn endpoint() -> IpListenEndpoint {
    (Ipv4Address::from(GATEWAY), ECHO_PORT).into()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
