//! What waits to be sent: bounded, so that a port nobody reads costs no memory and no time.

use std::collections::VecDeque;

/// Two of the longest frames.
const MAX_WAITING_BYTES: usize = 2 << 20;
/// Behind more than this a heartbeat would only tell of the past.
const MAX_BEFORE_HEARTBEAT: usize = 4096;

/// Frames in the order they will leave.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    frames: VecDeque<Vec<u8>>,
    waiting: usize,
    /// How much of the first frame has left.
    sent: usize,
}

impl Outbox {
    /// Adds a frame, or drops it when too much waits already.
    pub(crate) fn push(&mut self, frame: Vec<u8>) {
        if self.waiting.saturating_add(frame.len()) <= MAX_WAITING_BYTES {
            self.waiting = self.waiting.saturating_add(frame.len());
            self.frames.push_back(frame);
        }
    }

    /// Adds a frame that is worth nothing when it comes late.
    pub(crate) fn push_heartbeat(&mut self, frame: Vec<u8>) {
        if self.waiting <= MAX_BEFORE_HEARTBEAT {
            self.push(frame);
        }
    }

    /// The bytes to send next; none when nothing waits.
    pub(crate) fn next(&self) -> &[u8] {
        self.frames
            .front()
            .and_then(|frame| frame.get(self.sent..))
            .unwrap_or_default()
    }

    /// Notes that so many bytes of `next` have left.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(bytes);
        if self
            .frames
            .front()
            .is_some_and(|frame| self.sent >= frame.len())
        {
            let frame = self.frames.pop_front().unwrap_or_default();
            self.waiting = self.waiting.saturating_sub(frame.len());
            self.sent = 0;
        }
    }

    /// Every frame that has not left as a whole, to be sent another way.
    pub(crate) fn take(&mut self) -> Vec<Vec<u8>> {
        let frames = std::mem::take(self).frames;
        frames.into()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_WAITING_BYTES, Outbox};

    #[test]
    fn frames_leave_in_order_and_in_pieces() {
        let mut outbox = Outbox::default();
        outbox.push(b"one".to_vec());
        outbox.push(b"two".to_vec());
        outbox.advance(2);
        assert_eq!(outbox.next(), b"e");
        outbox.advance(1);
        assert_eq!(outbox.next(), b"two");
        outbox.advance(3);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_frame_that_left_in_part_is_taken_whole() {
        let mut outbox = Outbox::default();
        outbox.push(b"one".to_vec());
        outbox.advance(2);
        assert_eq!(outbox.take(), [b"one"]);
        assert_eq!(outbox.next(), b"");
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_heartbeats_first() {
        let mut outbox = Outbox::default();
        outbox.push(vec![0; 5000]);
        outbox.push_heartbeat(vec![0; 10]);
        outbox.push(vec![0; MAX_WAITING_BYTES]);
        assert_eq!(outbox.take().len(), 1);
    }
}
