//! A span of another backend: a partition of a disk.

use std::sync::Arc;

use crate::{BlockRead, Extent, ReadError};

/// A window onto a part of another backend; its offsets start at 0.
#[derive(Clone)]
pub struct Window {
    inner: Arc<dyn BlockRead>,
    start: u64,
    len: u64,
}

impl Window {
    /// A window of `len` bytes from `start`.
    ///
    /// # Errors
    /// [`ReadError::PastEnd`] when it does not lie inside `inner`.
    pub fn new(inner: Arc<dyn BlockRead>, start: u64, len: u64) -> Result<Self, ReadError> {
        let end = inner.len_bytes();
        match start.checked_add(len) {
            Some(last) if last <= end => Ok(Self { inner, start, len }),
            _ => Err(ReadError::PastEnd {
                offset: start,
                wanted: len,
                end,
            }),
        }
    }

    /// The inner offset of `offset`, if `wanted` bytes from there lie inside.
    fn inner_offset(&self, offset: u64, wanted: u64) -> Result<u64, ReadError> {
        let past = ReadError::PastEnd {
            offset,
            wanted,
            end: self.len,
        };
        match offset.checked_add(wanted) {
            Some(last) if last <= self.len => self.start.checked_add(offset).ok_or(past),
            _ => Err(past),
        }
    }
}

impl BlockRead for Window {
    fn len_bytes(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let inner = self.inner_offset(offset, buf.len() as u64)?;
        self.inner.read_exact_at(inner, buf)
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        let inner = self.inner_offset(offset, 1)?;
        let extent = self.inner.next_extent(inner)?;
        let rest = self.len.saturating_sub(offset);
        Ok(Extent {
            offset,
            len: extent.len.min(rest),
            kind: extent.kind,
        })
    }
}
