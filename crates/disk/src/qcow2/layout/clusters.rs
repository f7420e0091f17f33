//! The clusters of a new file, taken one after the other.

use super::refcounts::Refcounts;
use crate::layout::{LayoutError, Patch};
use crate::qcow2::field::to_u64;
use crate::qcow2::geometry::Geometry;

/// \[qcow2\] "Cluster mapping": offsets have 56 bits.
const OFFSET_BITS: u32 = 56;
/// `QCOW_MAX_REFTABLE_SIZE` in QEMU.
const MAX_REFCOUNT_TABLE: u64 = 8 << 20;

/// The clusters of a new file. None is given back, so that the file has no gaps.
pub(super) struct Clusters {
    geometry: Geometry,
    /// The next cluster.
    next: u64,
    refcounts: Refcounts,
    /// Where the next compressed bytes may go, in a cluster that has room for more.
    tail: Option<u64>,
}

impl Clusters {
    pub(super) fn new(geometry: &Geometry) -> Self {
        Self {
            geometry: *geometry,
            next: 0,
            refcounts: Refcounts::new(geometry.cluster_bytes()),
            tail: None,
        }
    }

    /// Where the file ends so far.
    pub(super) fn end(&self) -> u64 {
        self.next.saturating_mul(self.geometry.cluster_bytes())
    }

    /// Sees to it that the next `count` clusters stand in one piece: that their refcount blocks have
    /// a place.
    pub(super) fn reserve(
        &mut self,
        count: u64,
        patches: &mut Vec<Patch>,
    ) -> Result<(), LayoutError> {
        while self.refcounts.covered() < self.next.saturating_add(count) {
            self.refcounts.add_block(self.end());
            self.take(1, patches)?;
        }
        Ok(())
    }

    /// Takes `count` clusters, which were reserved; where they start.
    pub(super) fn take(
        &mut self,
        count: u64,
        patches: &mut Vec<Patch>,
    ) -> Result<u64, LayoutError> {
        let start = self.end();
        self.next = self.next.saturating_add(count);
        if self.end() > 1 << OFFSET_BITS {
            return Err(too_large(self.end(), "offsets in the file have 56 bits"));
        }
        self.refcounts.count(count, patches);
        Ok(start)
    }

    /// Takes room for `len` compressed bytes, less than a cluster.
    pub(super) fn take_bytes(
        &mut self,
        len: u64,
        patches: &mut Vec<Patch>,
    ) -> Result<u64, LayoutError> {
        self.reserve(1, patches)?;
        let start = match self.tail.take() {
            Some(tail) if self.continues(tail, len) => {
                if len > self.room(tail) {
                    self.take(1, patches)?;
                }
                tail
            }
            Some(_) | None => self.take(1, patches)?,
        };
        let end = start.saturating_add(len);
        self.tail = (self.geometry.in_cluster(end) != 0).then_some(end);
        // [qcow2] "Compressed Clusters Descriptor": fewer bits with larger clusters.
        let bits = 70_u32.saturating_sub(self.geometry.cluster_bits());
        if end > 1_u64.unbounded_shl(bits.min(OFFSET_BITS)) {
            return Err(too_large(
                end,
                "compressed clusters lie below 2^(70 - cluster_bits)",
            ));
        }
        Ok(start)
    }

    /// Whether `len` bytes can go to `tail`: they fit, or the next cluster follows; and the cluster's
    /// refcount can still be raised, which this does.
    fn continues(&mut self, tail: u64, len: u64) -> bool {
        let room = self.room(tail);
        let fits = len <= room || tail.saturating_add(room) == self.end();
        fits && self.refcounts.again(self.geometry.cluster_index(tail))
    }

    /// What is left of the cluster from `tail` on.
    fn room(&self, tail: u64) -> u64 {
        let used = self.geometry.in_cluster(tail);
        self.geometry.cluster_bytes().saturating_sub(used)
    }

    /// Writes down the refcounts and their table; where the table is, and its clusters.
    pub(super) fn finish(&mut self, patches: &mut Vec<Patch>) -> Result<(u64, u64), LayoutError> {
        let mut clusters = 0;
        while clusters < self.table_clusters() {
            clusters = self.table_clusters();
            self.reserve(clusters, patches)?;
        }
        let offset = self.take(clusters, patches)?;
        self.refcounts.close_block(patches);
        let blocks = self.refcounts.blocks();
        if to_u64(blocks.len()).saturating_mul(8) > MAX_REFCOUNT_TABLE {
            return Err(too_large(
                self.end(),
                "its refcount table would take more than 8 MiB",
            ));
        }
        let bytes = blocks
            .iter()
            .flat_map(|block| block.to_be_bytes())
            .collect();
        patches.push(Patch { offset, bytes });
        Ok((offset, clusters))
    }

    /// At least one: there is always a block.
    fn table_clusters(&self) -> u64 {
        let bytes = to_u64(self.refcounts.blocks().len()).saturating_mul(8);
        bytes.max(8).div_ceil(self.geometry.cluster_bytes())
    }
}

fn too_large(file_len: u64, limit: &'static str) -> LayoutError {
    LayoutError::TooLarge {
        format: "qcow2",
        virtual_size: file_len,
        limit,
    }
}
