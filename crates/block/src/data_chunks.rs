//! Which chunks of a disk may hold something other than zero, by its extents.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::content_digest::CHUNK_BYTES;
use crate::{BlockRead, ExtentKind, ReadError};

/// The numbers of the chunks that a data extent touches, in rising order, each once.
pub(crate) struct DataChunks<'a> {
    disk: &'a dyn BlockRead,
    /// The next chunk that was not looked at.
    next: u64,
    /// Up to this chunk (not included) all hold data.
    data_end: u64,
}

impl<'a> DataChunks<'a> {
    pub(crate) fn new(disk: &'a dyn BlockRead) -> Self {
        Self {
            disk,
            next: 0,
            data_end: 0,
        }
    }

    /// The next numbers, up to `most`; empty at the end, or when cancelled.
    pub(crate) fn next_batch(
        &mut self,
        most: usize,
        cancel: &AtomicBool,
    ) -> Result<Vec<u64>, ReadError> {
        let mut batch = Vec::new();
        while batch.len() < most && !cancel.load(Ordering::Relaxed) {
            if self.next == self.data_end && !self.find_data(cancel)? {
                break;
            }
            batch.push(self.next);
            self.next += 1;
        }
        Ok(batch)
    }

    /// Moves on to the next extent that holds data; false at the end, or when cancelled.
    fn find_data(&mut self, cancel: &AtomicBool) -> Result<bool, ReadError> {
        let len = self.disk.len_bytes();
        let mut offset = self.next.saturating_mul(CHUNK_BYTES);
        while offset < len && !cancel.load(Ordering::Relaxed) {
            let extent = self.disk.next_extent(offset)?;
            // An extent is never empty; one that is must not keep us here for ever.
            let end = offset.saturating_add(extent.len.max(1)).min(len);
            match extent.kind {
                ExtentKind::Zero => offset = end,
                ExtentKind::Data => {
                    self.next = offset / CHUNK_BYTES;
                    self.data_end = end.div_ceil(CHUNK_BYTES);
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
