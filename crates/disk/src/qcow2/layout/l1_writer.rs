//! The L1 table of a new image, a piece at a time.

use crate::layout::Patch;
use crate::qcow2::field::{to_u64, to_usize};

/// Entries in a piece: 64 KiB.
const PIECE: u64 = 8192;

/// Entries come in growing order; where no table is, nothing is written.
pub(super) struct L1Writer {
    /// Where the table is.
    pub(super) offset: u64,
    /// The index of the first entry that is held.
    first: u64,
    entries: Vec<u64>,
}

impl L1Writer {
    pub(super) fn new(offset: u64) -> Self {
        Self {
            offset,
            first: 0,
            entries: Vec::new(),
        }
    }

    /// Sets the entry at `index`, which is larger than all before.
    pub(super) fn set(&mut self, index: u64, entry: u64, patches: &mut Vec<Patch>) {
        if self.entries.is_empty() || index.saturating_sub(self.first) >= PIECE {
            self.flush(patches);
            self.first = index;
        }
        let len = to_usize(index.saturating_sub(self.first));
        assert!(len >= self.entries.len(), "L2 tables come in order");
        self.entries.resize(len, 0);
        self.entries.push(entry);
    }

    /// Writes down what is held.
    pub(super) fn flush(&mut self, patches: &mut Vec<Patch>) {
        if self.entries.is_empty() {
            return;
        }
        patches.push(Patch {
            offset: self.offset.saturating_add(self.first.saturating_mul(8)),
            bytes: self
                .entries
                .iter()
                .flat_map(|entry| entry.to_be_bytes())
                .collect(),
        });
        self.first = self.first.saturating_add(to_u64(self.entries.len()));
        self.entries.clear();
    }
}
