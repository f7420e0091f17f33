//! Refcounts of a file that grows at its end: \[qcow2\] "Host cluster management".

use crate::layout::Patch;
use crate::qcow2::field::{to_u64, to_usize};

/// Refcounts of 16 bits, block after block.
pub(super) struct Refcounts {
    /// How many clusters a block counts.
    per_block: u64,
    /// Where the blocks are.
    blocks: Vec<u64>,
    /// The first cluster of the block that is being filled.
    first: u64,
    counts: Vec<u16>,
}

impl Refcounts {
    pub(super) fn new(cluster_bytes: u64) -> Self {
        Self {
            per_block: cluster_bytes / 2,
            blocks: Vec::new(),
            first: 0,
            counts: Vec::new(),
        }
    }

    /// How many clusters the blocks that have a place can count.
    pub(super) fn covered(&self) -> u64 {
        to_u64(self.blocks.len()).saturating_mul(self.per_block)
    }

    /// Where the next block is.
    pub(super) fn add_block(&mut self, offset: u64) {
        self.blocks.push(offset);
    }

    pub(super) fn blocks(&self) -> &[u64] {
        &self.blocks
    }

    /// The next `clusters` clusters are used once.
    pub(super) fn count(&mut self, mut clusters: u64, patches: &mut Vec<Patch>) {
        while clusters > 0 {
            let room = self.per_block.saturating_sub(to_u64(self.counts.len()));
            let now = clusters.min(room);
            let len = self.counts.len().saturating_add(to_usize(now));
            self.counts.resize(len, 1);
            clusters = clusters.saturating_sub(now);
            if now == room {
                self.close_block(patches);
            }
        }
    }

    /// The cluster is used once more; false if its count is written down already, or full.
    pub(super) fn again(&mut self, cluster: u64) -> bool {
        let count = cluster
            .checked_sub(self.first)
            .and_then(|index| self.counts.get_mut(to_usize(index)));
        match count.map(|count| (count.checked_add(1), count)) {
            Some((Some(more), count)) => {
                *count = more;
                true
            }
            Some((None, _)) | None => false,
        }
    }

    /// Writes down what is counted so far.
    pub(super) fn close_block(&mut self, patches: &mut Vec<Patch>) {
        if self.counts.is_empty() {
            return;
        }
        let index = self.first.checked_div(self.per_block).unwrap_or_default();
        let offset = self.blocks.get(to_usize(index)).copied();
        patches.push(Patch {
            offset: offset.expect("clusters are taken after their block has a place"),
            bytes: self
                .counts
                .iter()
                .flat_map(|count| count.to_be_bytes())
                .collect(),
        });
        self.first = self.first.saturating_add(to_u64(self.counts.len()));
        self.counts.clear();
    }
}
