//! Messages that wait for the guest to empty its slot.

use std::collections::VecDeque;

use crate::protocol::Response;
use crate::synic::{Placed, Synic};

/// With so many waiting, the guest's own messages are turned away until it has read some.
pub(super) const LIMIT: usize = 64;

/// The messages, and the processor whose slot they go through.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    vp: u32,
    waiting: VecDeque<Vec<u8>>,
}

impl Outbox {
    /// Whether the guest should read before it asks for more.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= LIMIT
    }

    /// Forgets what waits, and sends to this processor from now on.
    pub(super) fn restart(&mut self, vp: u32) {
        self.vp = vp;
        self.waiting.clear();
    }

    /// Sends a message, now or when the slot is free.
    pub(super) fn send(&mut self, synic: &Synic, response: Response) {
        self.waiting.push_back(response.to_bytes());
        self.advance(synic);
    }

    /// The processor whose slot is used.
    pub(super) fn vp(&self) -> u32 {
        self.vp
    }

    /// A processor has emptied its slot.
    pub(super) fn emptied(&mut self, synic: &Synic, vp: u32) {
        if vp == self.vp {
            self.advance(synic);
        }
    }

    /// Puts the first message in the slot if that is free.
    pub(super) fn advance(&mut self, synic: &Synic) {
        let more = self.waiting.len() > 1;
        let Some(first) = self.waiting.front() else {
            return;
        };
        match synic.place(self.vp, first, more) {
            Placed::Written => {
                self.waiting.pop_front();
            }
            // The guest says so when the slot is free, or when it has a page.
            Placed::Busy | Placed::Off => {}
        }
    }
}
