//! Bytes in memory.

use crate::{BlockRead, ReadError};

/// A backend over bytes in memory: tests, small extracts.
#[derive(Debug, Clone)]
pub struct MemoryBackend {
    bytes: Vec<u8>,
}

impl MemoryBackend {
    /// Takes the bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }
}

impl BlockRead for MemoryBackend {
    fn len_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let past = || ReadError::PastEnd {
            offset,
            wanted: buf.len() as u64,
            end: self.len_bytes(),
        };
        let start = usize::try_from(offset).map_err(|_| past())?;
        let end = start.checked_add(buf.len()).ok_or_else(past)?;
        let source = self.bytes.get(start..end).ok_or_else(past)?;
        buf.copy_from_slice(source);
        Ok(())
    }
}
