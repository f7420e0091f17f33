//! Disks that can also be written.

use std::io;

use crate::{BlockRead, ReadError};

/// A disk that can be written at any position, by many threads at once.
pub trait BlockWrite: BlockRead {
    /// Writes all of `bytes` at `offset`. What was written is read by everybody at once; that it
    /// survives is said by [`BlockWrite::flush`] only.
    ///
    /// # Errors
    /// [`WriteError::PastEnd`] when the range does not lie wholly inside; otherwise whatever the
    /// layer below met, and then any part may have been written.
    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> Result<(), WriteError>;

    /// Returns when all that was written before is on stable storage.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    fn flush(&self) -> Result<(), WriteError>;

    /// Makes `len` bytes at `offset` read as zero, and gives their room back where it can.
    ///
    /// # Errors
    /// As [`BlockWrite::write_all_at`].
    fn zero_at(&self, offset: u64, len: u64) -> Result<(), WriteError>;

    /// Makes the disk `len` bytes long; what is new reads as zero.
    ///
    /// # Errors
    /// [`WriteError::Unsupported`] when it would become shorter, or is no disk that grows.
    fn grow(&self, len: u64) -> Result<(), WriteError>;
}

/// Why a write failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The storage failed.
    #[error("write failed at offset {offset:#x}")]
    Io {
        /// Where.
        offset: u64,
        /// What the operating system said.
        source: io::Error,
    },
    /// The range is not inside.
    #[error("write of {wanted} bytes at offset {offset:#x} goes past the end at {end:#x}")]
    PastEnd {
        /// Where the write began.
        offset: u64,
        /// How much was to be written.
        wanted: u64,
        /// How many bytes there are.
        end: u64,
    },
    /// What lies around the written bytes had to be read first, and could not be.
    #[error("what lies around the written bytes cannot be read")]
    Around(#[from] ReadError),
    /// Not something that this disk does.
    #[error("unsupported: {what}")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
}

/// Whether the range lies inside a disk of `end` bytes.
pub(crate) fn inside(offset: u64, wanted: u64, end: u64) -> Result<(), WriteError> {
    match offset.checked_add(wanted) {
        Some(last) if last <= end => Ok(()),
        _ => Err(WriteError::PastEnd {
            offset,
            wanted,
            end,
        }),
    }
}

/// The new length, if the disk does not become shorter.
pub(crate) fn not_shorter(now: u64, len: u64) -> Result<(), WriteError> {
    if len < now {
        let what = "making a disk shorter";
        return Err(WriteError::Unsupported { what });
    }
    Ok(())
}
