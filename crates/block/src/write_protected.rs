//! A disk that can only be read, where one is wanted that can be written.

use std::sync::Arc;

use crate::{BlockRead, BlockWrite, Extent, ReadError, WriteError};

/// Refuses every write: for what may be opened for reading only.
#[derive(Clone)]
pub struct WriteProtected {
    inner: Arc<dyn BlockRead>,
}

impl WriteProtected {
    /// Protects a disk.
    #[must_use]
    pub fn new(inner: Arc<dyn BlockRead>) -> Self {
        Self { inner }
    }
}

const REFUSED: WriteError = WriteError::Unsupported {
    what: "writing a disk that is opened for reading only",
};

impl BlockRead for WriteProtected {
    fn len_bytes(&self) -> u64 {
        self.inner.len_bytes()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        self.inner.read_exact_at(offset, buf)
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        self.inner.next_extent(offset)
    }
}

impl BlockWrite for WriteProtected {
    fn write_all_at(&self, _offset: u64, _bytes: &[u8]) -> Result<(), WriteError> {
        Err(REFUSED)
    }

    /// Nothing was written, so nothing is left to be.
    fn flush(&self) -> Result<(), WriteError> {
        Ok(())
    }

    fn zero_at(&self, _offset: u64, _len: u64) -> Result<(), WriteError> {
        Err(REFUSED)
    }

    fn grow(&self, _len: u64) -> Result<(), WriteError> {
        Err(REFUSED)
    }
}
