//! A disk that says how far its readers have come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use detente_block::{BlockRead, Extent, ExtentKind, ReadError};

/// Passes everything on, and remembers the furthest place.
pub(super) struct Watched {
    disk: Arc<dyn BlockRead>,
    position: Arc<AtomicU64>,
}

impl Watched {
    /// Several disks may share a position: the furthest counts.
    pub(super) fn new(disk: Arc<dyn BlockRead>, position: Arc<AtomicU64>) -> Self {
        Self { disk, position }
    }

    fn came_to(&self, offset: u64) {
        self.position.fetch_max(offset, Ordering::Relaxed);
    }
}

impl BlockRead for Watched {
    fn len_bytes(&self) -> u64 {
        self.disk.len_bytes()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        self.disk.read_exact_at(offset, buf)?;
        self.came_to(offset.saturating_add(buf.len() as u64));
        Ok(())
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        let extent = self.disk.next_extent(offset)?;
        // What is zero is not read: it is done with once it is known.
        if extent.kind == ExtentKind::Zero {
            self.came_to(extent.offset.saturating_add(extent.len));
        }
        Ok(extent)
    }
}
