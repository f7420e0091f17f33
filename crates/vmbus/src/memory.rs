//! The guest's memory as the engine sees it: hostile, shared, and copied before it is parsed.

use std::sync::atomic::Ordering;

/// The size of a page: what page frame numbers count.
pub const PAGE_BYTES: u64 = 4096;

/// The guest's physical memory.
///
/// The guest changes it at any time, also between two reads of the same place: whoever parses
/// copies first. Atomic words lie at addresses that are multiples of their size.
pub trait GuestMemory: Send + Sync {
    /// Copies out of memory.
    ///
    /// # Errors
    /// [`OutsideMemory`] when a byte of the range is not memory; then `buf` holds nothing of use.
    fn read(&self, gpa: u64, buf: &mut [u8]) -> Result<(), OutsideMemory>;

    /// Copies into memory.
    ///
    /// # Errors
    /// [`OutsideMemory`] when a byte of the range is not memory; a part may have been written.
    fn write(&self, gpa: u64, bytes: &[u8]) -> Result<(), OutsideMemory>;

    /// Reads a word in one piece.
    ///
    /// # Errors
    /// [`OutsideMemory`] when the word is not memory, or not aligned.
    fn load_u32(&self, gpa: u64, order: Ordering) -> Result<u32, OutsideMemory>;

    /// Writes a word in one piece.
    ///
    /// # Errors
    /// [`OutsideMemory`] when the word is not memory, or not aligned.
    fn store_u32(&self, gpa: u64, value: u32, order: Ordering) -> Result<(), OutsideMemory>;

    /// Sets bits of a word in one piece, and gives back what was there. A full barrier.
    ///
    /// # Errors
    /// [`OutsideMemory`] when the word is not memory, or not aligned.
    fn fetch_or_u32(&self, gpa: u64, bits: u32) -> Result<u32, OutsideMemory>;
}

/// An address that the guest gave is not memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{len} bytes at guest address {gpa:#x} are not memory")]
pub struct OutsideMemory {
    /// The guest physical address.
    pub gpa: u64,
    /// How many bytes were wanted.
    pub len: u64,
}
