//! An L2 table: where the clusters are.

use detente_block::{BlockRead, ReadError};

use super::FileOffset;
use super::field::{read_words, to_usize};
use super::geometry::Geometry;
use super::l2_entry::L2Entry;

/// One L2 table; a cluster in size.
#[derive(Debug)]
pub(super) struct L2Table {
    start: FileOffset,
    words: Vec<u64>,
}

impl L2Table {
    pub(super) fn read(
        file: &dyn BlockRead,
        start: FileOffset,
        geometry: &Geometry,
    ) -> Result<Self, ReadError> {
        let words = read_words(file, start.0, geometry.cluster_bytes() / 8)?;
        Ok(Self { start, words })
    }

    /// The entry that describes the guest's `offset`; `elsewhere` if its cluster is in another file.
    pub(super) fn entry(&self, offset: u64, geometry: &Geometry, elsewhere: bool) -> L2Entry {
        let entry_bytes = geometry.entry_bytes();
        let into = geometry.l2_index(offset).saturating_mul(entry_bytes);
        let word = |at: u64| {
            self.words
                .get(to_usize(at / 8))
                .copied()
                .unwrap_or_default()
        };
        L2Entry {
            at: FileOffset(self.start.0.saturating_add(into)),
            descriptor: word(into),
            subclusters: geometry
                .has_subclusters()
                .then(|| word(into.saturating_add(8))),
            elsewhere,
        }
    }
}
