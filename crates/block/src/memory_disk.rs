//! A disk in memory that can be written.

use std::sync::{PoisonError, RwLock};

use crate::write::{inside, not_shorter};
use crate::{BlockRead, BlockWrite, ReadError, WriteError};

/// Bytes in memory, to be written too: tests, and overlays that nobody keeps.
#[derive(Debug, Default)]
pub struct MemoryDisk {
    bytes: RwLock<Vec<u8>>,
}

impl MemoryDisk {
    /// Takes the bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        let bytes = RwLock::new(bytes);
        Self { bytes }
    }

    fn with<T>(&self, look: impl FnOnce(&[u8]) -> T) -> T {
        look(&self.bytes.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes a range that was checked to be inside.
    fn change(
        &self,
        offset: u64,
        len: u64,
        change: impl FnOnce(&mut [u8]),
    ) -> Result<(), WriteError> {
        let mut bytes = self.bytes.write().unwrap_or_else(PoisonError::into_inner);
        inside(offset, len, bytes.len() as u64)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let end = start.saturating_add(len);
        if let Some(range) = bytes.get_mut(start..end) {
            change(range);
        }
        Ok(())
    }
}

impl BlockRead for MemoryDisk {
    fn len_bytes(&self) -> u64 {
        self.with(|bytes| bytes.len() as u64)
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        self.with(|bytes| {
            let past = || ReadError::PastEnd {
                offset,
                wanted: buf.len() as u64,
                end: bytes.len() as u64,
            };
            let start = usize::try_from(offset).map_err(|_| past())?;
            let end = start.checked_add(buf.len()).ok_or_else(past)?;
            let source = bytes.get(start..end).ok_or_else(past)?;
            buf.copy_from_slice(source);
            Ok(())
        })
    }
}

impl BlockWrite for MemoryDisk {
    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> Result<(), WriteError> {
        self.change(offset, bytes.len() as u64, |range| {
            range.copy_from_slice(bytes);
        })
    }

    fn flush(&self) -> Result<(), WriteError> {
        Ok(())
    }

    fn zero_at(&self, offset: u64, len: u64) -> Result<(), WriteError> {
        self.change(offset, len, |range| range.fill(0))
    }

    fn grow(&self, len: u64) -> Result<(), WriteError> {
        not_shorter(self.len_bytes(), len)?;
        let what = "a disk that is larger than memory";
        let len = usize::try_from(len).map_err(|_| WriteError::Unsupported { what })?;
        let mut bytes = self.bytes.write().unwrap_or_else(PoisonError::into_inner);
        bytes.resize(len, 0);
        Ok(())
    }
}
