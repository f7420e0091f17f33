//! A ring's control page: words that both sides see, each written by one of them.
//!
//! Each side publishes a word, then looks at one of the other's: the writer its index, then mask
//! and read index; the reader its index, then what the writer waits for. Were the look to come
//! before the publishing, both could miss each other and sleep. So these stores are sequentially
//! consistent, as all loads are; the guest has full barriers in the same places.

use std::sync::atomic::Ordering;

use super::error::{Index, RingError};
use crate::memory::{GuestMemory, OutsideMemory};

/// The bit that says that a full ring's writer leaves word of how much room it waits for.
const PENDING_SEND_SIZE: u32 = 1;

/// A word of the control page; the number is its offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Write,
    Read,
    Mask,
    PendingSend,
    Features,
}

impl Word {
    fn offset(self) -> u64 {
        match self {
            Self::Write => 0,
            Self::Read => 4,
            Self::Mask => 8,
            Self::PendingSend => 12,
            Self::Features => 64,
        }
    }
}

/// The control page at an address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Control {
    gpa: u64,
    /// How many bytes of data its ring has.
    ring: u32,
}

impl Control {
    pub(super) fn new(gpa: u64, ring: u32) -> Self {
        Self { gpa, ring }
    }

    /// The index of the next packet to be written. What was written before it is seen with it.
    pub(super) fn write(self, memory: &dyn GuestMemory, index: Index) -> Result<u32, RingError> {
        self.checked(self.load(memory, Word::Write)?, index)
    }

    /// The index of the next packet to be read. What is written after it is seen by no reader.
    pub(super) fn read(self, memory: &dyn GuestMemory, index: Index) -> Result<u32, RingError> {
        self.checked(self.load(memory, Word::Read)?, index)
    }

    /// The read index to be compared with, whatever it is.
    pub(super) fn raw_read(self, memory: &dyn GuestMemory) -> Result<u32, OutsideMemory> {
        self.load(memory, Word::Read)
    }

    pub(super) fn masked(self, memory: &dyn GuestMemory) -> Result<bool, OutsideMemory> {
        Ok(self.load(memory, Word::Mask)? != 0)
    }

    pub(super) fn pending_send(self, memory: &dyn GuestMemory) -> Result<u32, OutsideMemory> {
        self.load(memory, Word::PendingSend)
    }

    pub(super) fn tells_pending_send(
        self,
        memory: &dyn GuestMemory,
    ) -> Result<bool, OutsideMemory> {
        Ok(self.load(memory, Word::Features)? & PENDING_SEND_SIZE != 0)
    }

    /// Publishes what was written before it. What is loaded next is not older.
    pub(super) fn set_write(
        self,
        memory: &dyn GuestMemory,
        index: u32,
    ) -> Result<(), OutsideMemory> {
        self.store(memory, Word::Write, index, Ordering::SeqCst)
    }

    /// Gives back what was read before it. What is loaded next is not older.
    pub(super) fn set_read(
        self,
        memory: &dyn GuestMemory,
        index: u32,
    ) -> Result<(), OutsideMemory> {
        self.store(memory, Word::Read, index, Ordering::SeqCst)
    }

    /// Asks not to be signalled. That the guest sees it late costs a signal, nothing else.
    pub(super) fn mask(self, memory: &dyn GuestMemory) -> Result<(), OutsideMemory> {
        self.store(memory, Word::Mask, 1, Ordering::Release)
    }

    /// Asks to be signalled again. What is loaded next is not older.
    pub(super) fn unmask(self, memory: &dyn GuestMemory) -> Result<(), OutsideMemory> {
        self.store(memory, Word::Mask, 0, Ordering::SeqCst)
    }

    /// Asks to be signalled when there is so much room. What is loaded next is not older.
    pub(super) fn ask_for_room(
        self,
        memory: &dyn GuestMemory,
        bytes: u32,
    ) -> Result<(), OutsideMemory> {
        self.store(memory, Word::PendingSend, bytes, Ordering::SeqCst)
    }

    /// Takes that back.
    pub(super) fn ask_for_nothing(self, memory: &dyn GuestMemory) -> Result<(), OutsideMemory> {
        self.store(memory, Word::PendingSend, 0, Ordering::Release)
    }

    fn checked(self, value: u32, index: Index) -> Result<u32, RingError> {
        let ring = self.ring;
        if value >= ring {
            return Err(RingError::IndexOutside { index, value, ring });
        }
        if !value.is_multiple_of(8) {
            return Err(RingError::IndexUnaligned { index, value });
        }
        Ok(value)
    }

    fn load(self, memory: &dyn GuestMemory, word: Word) -> Result<u32, OutsideMemory> {
        memory.load_u32(self.at(word), Ordering::SeqCst)
    }

    fn store(
        self,
        memory: &dyn GuestMemory,
        word: Word,
        value: u32,
        order: Ordering,
    ) -> Result<(), OutsideMemory> {
        memory.store_u32(self.at(word), value, order)
    }

    fn at(self, word: Word) -> u64 {
        // A page frame number is below 2^52, so that nothing is cut off here.
        self.gpa.saturating_add(word.offset())
    }
}
