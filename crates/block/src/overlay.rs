//! Writes that never reach the disk below them.

use std::sync::{Arc, PoisonError, RwLock};

use crate::write::{inside, not_shorter};
use crate::written_map::WrittenMap;
use crate::{BlockRead, BlockWrite, Extent, ExtentKind, ReadError, WriteError};

/// The unit in which the overlay remembers what was written: the page of guests and file systems,
/// so that most writes fill whole ones and nothing has to be read first.
const GRAIN: u64 = 4096;

/// A disk whose writes go to a store, and whose base is only read.
///
/// The store holds what was written at the disk's own offsets, so it should be sparse: a
/// [`crate::WritableFile`] made for it, or a [`crate::MemoryDisk`] in tests. What it holds of the
/// disk is known in memory only; when the overlay is dropped, the store is of no more use. That map
/// takes one bit for each 4 KiB, and only where something was written.
pub struct Overlay {
    base: Arc<dyn BlockRead>,
    store: Arc<dyn BlockWrite>,
    state: RwLock<State>,
}

/// What changes.
struct State {
    len: u64,
    written: WrittenMap,
}

impl Overlay {
    /// An overlay of the base's length. What the store held before is ignored.
    ///
    /// # Errors
    /// When the store is shorter and does not grow.
    pub fn new(base: Arc<dyn BlockRead>, store: Arc<dyn BlockWrite>) -> Result<Self, WriteError> {
        let len = base.len_bytes();
        if store.len_bytes() < len {
            store.grow(len)?;
        }
        let written = WrittenMap::default();
        let state = RwLock::new(State { len, written });
        Ok(Self { base, store, state })
    }

    /// Reads from the base; beyond its end there are zeros.
    fn read_base(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let there = self.base.len_bytes().saturating_sub(offset);
        let there = usize::try_from(there).map_or(buf.len(), |there| there.min(buf.len()));
        let (below, beyond) = buf.split_at_mut(there);
        beyond.fill(0);
        if below.is_empty() {
            return Ok(());
        }
        self.base.read_exact_at(offset, below)
    }

    fn read(&self, state: &State, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let (written, end) = state.run(at, at.saturating_add(rest.len() as u64));
            let piece = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
            let (buf, left) = rest.split_at_mut(piece.min(rest.len()));
            if written {
                self.store.read_exact_at(at, buf)?;
            } else {
                self.read_base(at, buf)?;
            }
            (at, rest) = (end, left);
        }
        Ok(())
    }

    /// Copies the part of a grain that lies in `from..to` up from the base.
    fn copy_up(&self, from: u64, to: u64) -> Result<(), WriteError> {
        let len = usize::try_from(to.saturating_sub(from)).unwrap_or(0);
        let mut bytes = vec![0; len];
        self.read_base(from, &mut bytes)?;
        self.store.write_all_at(from, &bytes)
    }

    /// Has what a write of `start..end` leaves of its first and last grain in the store, if the
    /// base still holds it.
    fn copy_edges(&self, state: &State, start: u64, end: u64) -> Result<(), WriteError> {
        let first = start / GRAIN * GRAIN;
        if first < start && !state.is_written(start) {
            self.copy_up(first, start)?;
        }
        let last = end.div_ceil(GRAIN).saturating_mul(GRAIN).min(state.len);
        if end < last && !state.is_written(end) {
            self.copy_up(end, last)?;
        }
        Ok(())
    }

    /// Changes `len` bytes at `offset` in the store, and notes that.
    fn change(
        &self,
        offset: u64,
        len: u64,
        change: impl FnOnce(&dyn BlockWrite) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        inside(offset, len, state.len)?;
        if len == 0 {
            return Ok(());
        }
        let end = offset.saturating_add(len);
        self.copy_edges(&state, offset, end)?;
        change(&*self.store)?;
        let first = offset / GRAIN;
        state.written.set(first, end.div_ceil(GRAIN) - first);
        Ok(())
    }
}

impl State {
    fn is_written(&self, offset: u64) -> bool {
        self.written.run(offset / GRAIN, 1).0
    }

    /// Whether the bytes at `at` were written, and where that ends: at `end` or before.
    fn run(&self, at: u64, end: u64) -> (bool, u64) {
        let grain = at / GRAIN;
        let (written, count) = self.written.run(grain, end.div_ceil(GRAIN) - grain);
        let last = grain.saturating_add(count).saturating_mul(GRAIN);
        (written, last.min(end))
    }
}

impl BlockRead for Overlay {
    fn len_bytes(&self) -> u64 {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.len
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let wanted = buf.len() as u64;
        if offset.checked_add(wanted).is_none_or(|end| end > state.len) {
            return Err(ReadError::PastEnd {
                offset,
                wanted,
                end: state.len,
            });
        }
        self.read(&state, offset, buf)
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if offset >= state.len {
            return Err(ReadError::PastEnd {
                offset,
                wanted: 1,
                end: state.len,
            });
        }
        let (written, end) = state.run(offset, state.len);
        let len = end.saturating_sub(offset);
        let mut extent = if written {
            self.store.next_extent(offset)?
        } else if offset < self.base.len_bytes() {
            self.base.next_extent(offset)?
        } else {
            Extent {
                offset,
                len,
                kind: ExtentKind::Zero,
            }
        };
        extent.len = extent.len.min(len);
        Ok(extent)
    }
}

impl BlockWrite for Overlay {
    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> Result<(), WriteError> {
        self.change(offset, bytes.len() as u64, |store| {
            store.write_all_at(offset, bytes)
        })
    }

    fn flush(&self) -> Result<(), WriteError> {
        self.store.flush()
    }

    fn zero_at(&self, offset: u64, len: u64) -> Result<(), WriteError> {
        self.change(offset, len, |store| store.zero_at(offset, len))
    }

    fn grow(&self, len: u64) -> Result<(), WriteError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        not_shorter(state.len, len)?;
        if self.store.len_bytes() < len {
            self.store.grow(len)?;
        }
        // The rest of a grain that was the last one comes from the store too, and becomes visible.
        let rest = state.run(state.len, len);
        if let (true, end) = rest {
            self.store
                .zero_at(state.len, end.saturating_sub(state.len))?;
        }
        state.len = len;
        Ok(())
    }
}
