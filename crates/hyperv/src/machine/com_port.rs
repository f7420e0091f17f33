//! A serial port between the guest and the stream to the host. Nobody who uses it ever waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vmm_sys_util::eventfd::EventFd;

use crate::serial::Serial;
use crate::stream::{Lane, Outbox};

/// With less room than this on the way to the host, the guest is told to wait.
const HOLD_BELOW: usize = 4096;
/// With this much it is told to go on.
const RELEASE_ABOVE: usize = 32 * 1024;
/// What the host has sent and the guest has not read; beyond it bytes are lost, and that is told.
const OVERFLOW_BYTES: usize = 1 << 20;

/// A serial port.
pub(super) struct ComPort {
    lane: Lane,
    state: Mutex<State>,
    interrupt: EventFd,
    outbox: Arc<Outbox>,
}

struct State {
    port: Serial,
    /// What the port had no room for.
    overflow: VecDeque<u8>,
    held: bool,
}

impl ComPort {
    /// A port whose interrupt is raised by writing to `interrupt`.
    pub(super) fn new(lane: Lane, interrupt: EventFd, outbox: Arc<Outbox>) -> Self {
        let state = State {
            port: Serial::new(),
            overflow: VecDeque::new(),
            held: false,
        };
        Self {
            lane,
            state: Mutex::new(state),
            interrupt,
            outbox,
        }
    }

    /// The guest writes these to a register, one after the other.
    pub(super) fn write(&self, register: u8, bytes: &[u8]) {
        let mut state = self.lock();
        let port = &mut state.port;
        let out: Vec<u8> = bytes
            .iter()
            .filter_map(|byte| port.write(register, *byte))
            .collect();
        if !out.is_empty() {
            self.outbox.serial(self.lane, &out);
            if !state.held && self.outbox.room(self.lane) < HOLD_BELOW {
                state.held = true;
                state.port.hold_output();
            }
        }
        self.interrupt(&mut state);
    }

    /// The guest reads a register.
    pub(super) fn read(&self, register: u8, bytes: &mut [u8]) {
        let mut state = self.lock();
        for byte in bytes {
            *byte = state.port.read(register);
            state.refill();
        }
        self.interrupt(&mut state);
    }

    /// Bytes come from the host. Gives back how many were lost.
    pub(super) fn receive(&self, bytes: &[u8]) -> usize {
        let mut state = self.lock();
        let room = OVERFLOW_BYTES.saturating_sub(state.overflow.len());
        state.overflow.extend(bytes.iter().take(room));
        state.refill();
        self.interrupt(&mut state);
        bytes.len().saturating_sub(room)
    }

    /// The host has taken what waited for it.
    pub(super) fn emptied(&self) {
        let mut state = self.lock();
        if state.held && self.outbox.room(self.lane) > RELEASE_ABOVE {
            state.held = false;
            state.port.release_output();
            self.interrupt(&mut state);
        }
    }

    fn interrupt(&self, state: &mut State) {
        if state.port.take_edge() {
            // It fails only when 2^64 - 2 interrupts wait.
            let _ = self.interrupt.write(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Moves what fits from the overflow to the port.
    fn refill(&mut self) {
        while self.port.room() > 0 && !self.overflow.is_empty() {
            let (first, _) = self.overflow.as_slices();
            let taken = self.port.receive(first);
            if taken == 0 {
                return;
            }
            self.overflow.drain(..taken);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::LANE_BYTES;

    const LINE_STATUS: u8 = 5;
    const TRANSMITTER_EMPTY: u8 = 0x20;

    fn port() -> (ComPort, Arc<Outbox>) {
        let outbox = Arc::new(Outbox::default());
        let interrupt = EventFd::new(vmm_sys_util::eventfd::EFD_NONBLOCK).unwrap();
        (
            ComPort::new(Lane::Console, interrupt, Arc::clone(&outbox)),
            outbox,
        )
    }

    fn status(port: &ComPort) -> u8 {
        let mut byte = [0];
        port.read(LINE_STATUS, &mut byte);
        byte[0]
    }

    #[test]
    fn a_guest_whose_host_takes_nothing_is_told_to_wait_and_then_to_go_on() {
        let (port, outbox) = port();
        port.write(0, &vec![b'x'; LANE_BYTES - HOLD_BELOW]);
        assert_ne!(status(&port) & TRANSMITTER_EMPTY, 0);
        port.write(0, b"x");
        assert_eq!(status(&port) & TRANSMITTER_EMPTY, 0);
        // It writes all the same, as the kernel's console does: what does not fit is lost.
        port.write(0, &vec![b'y'; LANE_BYTES]);
        assert_eq!(outbox.room(Lane::Console), 0);
        outbox.close();
        outbox.write_all(std::io::sink(), || ()).unwrap();
        port.emptied();
        assert_ne!(status(&port) & TRANSMITTER_EMPTY, 0);
    }

    #[test]
    fn what_the_guest_does_not_read_is_kept_up_to_a_limit() {
        let (port, _) = port();
        assert_eq!(port.receive(&vec![b'a'; OVERFLOW_BYTES]), 0);
        let lost = port.receive(&vec![b'b'; OVERFLOW_BYTES]);
        // The port itself keeps some more.
        assert!(lost > 0 && lost < OVERFLOW_BYTES, "{lost}");
        let mut read = vec![0; OVERFLOW_BYTES];
        port.read(0, &mut read);
        assert!(read.iter().all(|byte| *byte == b'a'));
    }
}
