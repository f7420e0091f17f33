//! Event flags: how a channel interrupts the guest.

use super::{SINT, SLOT_BYTES, Synic};

/// How many flags a slot of the event page has. Flag 0 is reserved.
const FLAGS: u32 = 2048;

/// The guest could not be told: its event page is off, or is not memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) struct Unheard;

impl Synic {
    /// Sets a flag of the bus's slot and raises the interrupt.
    ///
    /// The guest clears flags at the same time, so the bit is set in one piece.
    pub(crate) fn set_flag(&self, vp: u32, flag: u32) -> Result<(), Unheard> {
        let page = self.of(vp).and_then(|pages| pages.event_page);
        let word = page.and_then(|page| word_of(page, flag)).ok_or(Unheard)?;
        let bit = 1_u32 << (flag % u32::BITS);
        self.memory
            .fetch_or_u32(word, bit)
            .map_err(|_outside| Unheard)?;
        self.interrupts.raise(vp);
        Ok(())
    }
}

/// The address of the word that has the flag.
fn word_of(page: u64, flag: u32) -> Option<u64> {
    if flag >= FLAGS {
        return None;
    }
    let word = u64::from(flag / u32::BITS).checked_mul(4)?;
    let slot = SINT.checked_mul(SLOT_BYTES)?;
    page.checked_add(slot)?.checked_add(word)
}
