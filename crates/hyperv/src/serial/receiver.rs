//! What comes in: the 16 bytes that the guest sees as a FIFO, and what waits behind them.

use std::collections::VecDeque;

use super::WAITING_LIMIT;

/// The FIFO of a 16550A. Linux counts it in loopback: with 64 it would be another chip.
const FIFO_BYTES: usize = 16;

/// The receiving half of a port.
#[derive(Debug, Default)]
pub(super) struct Receiver {
    fifo: VecDeque<u8>,
    waiting: VecDeque<u8>,
}

impl Receiver {
    pub(super) fn has_data(&self) -> bool {
        !self.fifo.is_empty()
    }

    /// How much more can wait.
    pub(super) fn room(&self) -> usize {
        WAITING_LIMIT.saturating_sub(self.waiting.len())
    }

    /// Takes as much as there is room for.
    pub(super) fn push(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.room());
        self.waiting.extend(bytes.iter().take(taken));
        self.fill();
        taken
    }

    /// The next byte; a receiver that has none repeats nothing.
    pub(super) fn pop(&mut self) -> u8 {
        let byte = self.fifo.pop_front().unwrap_or(0);
        self.fill();
        byte
    }

    /// A byte that the port sends to itself; lost when the FIFO is full.
    pub(super) fn loop_back(&mut self, byte: u8) {
        if self.fifo.len() < FIFO_BYTES {
            self.fifo.push_back(byte);
        }
    }

    /// The guest throws away what has come. What has not come yet is not lost.
    pub(super) fn clear_fifo(&mut self) {
        self.fifo.clear();
        self.fill();
    }

    fn fill(&mut self) {
        let free = FIFO_BYTES.saturating_sub(self.fifo.len());
        let moved = free.min(self.waiting.len());
        self.fifo.extend(self.waiting.drain(..moved));
    }
}
