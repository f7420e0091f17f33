//! The message slot: one message at a time, taken by the guest, which then may say so.

use std::sync::atomic::Ordering;

use super::{SINT, SLOT_BYTES, Synic};
use crate::memory::OutsideMemory;

/// The longest payload of a message.
pub(crate) const PAYLOAD_BYTES: usize = 240;

/// The type of the bus's messages.
const CHANNEL_MESSAGE: u32 = 1;

/// Bit 0 of the flags at offset 5, in the word at offset 4: more messages are pending.
const MORE_PENDING: u32 = 1 << 8;

/// What came of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Placed {
    /// It is in the slot, and the interrupt was raised.
    Written,
    /// The slot has another one; the guest will say when it has taken it.
    Busy,
    /// The page is off, or is not memory.
    Off,
}

impl Synic {
    /// Puts a message in the processor's slot if that is empty.
    ///
    /// `more` says that others wait behind it: the guest says that it has taken a message only
    /// when it was told so.
    pub(crate) fn place(&self, vp: u32, payload: &[u8], more: bool) -> Placed {
        let page = self.of(vp).and_then(|pages| pages.message_page);
        let slot = page.and_then(|page| page.checked_add(SINT.saturating_mul(SLOT_BYTES)));
        let Some(slot) = slot else {
            return Placed::Off;
        };
        match self.place_at(slot, payload, more) {
            Ok(true) => {
                self.interrupts.raise(vp);
                Placed::Written
            }
            Ok(false) => Placed::Busy,
            Err(_outside) => Placed::Off,
        }
    }

    /// Whether the message is in the slot now.
    fn place_at(&self, slot: u64, payload: &[u8], more: bool) -> Result<bool, OutsideMemory> {
        if !self.is_empty(slot)? {
            self.memory
                .fetch_or_u32(slot.saturating_add(4), MORE_PENDING)?;
            // The guest empties the slot and then looks at the flag. If it did both before the
            // flag was set, it will not tell us; but then the slot is empty now.
            if !self.is_empty(slot)? {
                return Ok(false);
            }
        }
        let len = u8::try_from(payload.len()).unwrap_or(u8::MAX);
        // Size, flags, two reserved bytes, and no port that it came from.
        let header = [len, u8::from(more), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        self.memory.write(slot.saturating_add(4), &header)?;
        self.memory.write(slot.saturating_add(16), payload)?;
        // The type comes last: it is what makes the rest a message.
        self.memory
            .store_u32(slot, CHANNEL_MESSAGE, Ordering::Release)?;
        Ok(true)
    }

    fn is_empty(&self, slot: u64) -> Result<bool, OutsideMemory> {
        Ok(self.memory.load_u32(slot, Ordering::SeqCst)? == 0)
    }
}
