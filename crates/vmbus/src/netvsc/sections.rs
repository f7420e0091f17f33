//! The receive buffer in pieces: which are free, and which the guest still reads.

use std::collections::BTreeMap;

use super::nvsp::RECEIVE_SECTION_BYTES;

/// More pieces than this are not used, however large the buffer: it bounds what is in flight.
const PIECES_LIMIT: u32 = 2048;
/// Fewer than this are no buffer: control messages and frames have to fit side by side.
const PIECES_LEAST: u32 = 16;
/// So many pieces are kept for control messages, so that frames cannot starve them.
const KEPT_FOR_CONTROL: usize = 8;

/// The pieces of a receive buffer.
#[derive(Debug)]
pub(super) struct Sections {
    free: Vec<u32>,
    /// Pieces by the number of the packet that names them.
    in_flight: BTreeMap<u64, Vec<u32>>,
}

impl Sections {
    /// How many pieces a buffer of so many bytes has; `None` when it is too small.
    pub(super) fn pieces_in(len: u32) -> Option<u32> {
        let pieces = len.checked_div(RECEIVE_SECTION_BYTES)?.min(PIECES_LIMIT);
        (pieces >= PIECES_LEAST).then_some(pieces)
    }

    pub(super) fn new(pieces: u32) -> Self {
        Self {
            // The first piece is taken first.
            free: (0..pieces).rev().collect(),
            in_flight: BTreeMap::new(),
        }
    }

    /// A piece for a control message: its number.
    pub(super) fn take_for_control(&mut self) -> Option<u32> {
        self.free.pop()
    }

    /// A piece for a frame: its number.
    pub(super) fn take_for_frame(&mut self) -> Option<u32> {
        if self.free.len() <= KEPT_FOR_CONTROL {
            return None;
        }
        self.free.pop()
    }

    /// The guest is told of these pieces, in a packet of this number.
    pub(super) fn send(&mut self, transaction: u64, pieces: Vec<u32>) {
        self.in_flight.insert(transaction, pieces);
    }

    /// The guest has read what a packet named. Other numbers are those of a buffer before this one.
    pub(super) fn complete(&mut self, transaction: u64) {
        let pieces = self.in_flight.remove(&transaction);
        self.free.extend(pieces.unwrap_or_default());
    }

    /// Where a piece begins.
    pub(super) fn offset(piece: u32) -> u32 {
        piece.saturating_mul(RECEIVE_SECTION_BYTES)
    }
}
