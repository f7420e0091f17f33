//! References counted over a part of the file.

use std::ops::Range;

use super::rules::{BITMAPS, CLUSTER_MAPPING, HOST_CLUSTERS};
use crate::qcow2::field::to_usize;

/// Clusters in a window: nine bytes of memory each.
pub(super) const WINDOW_CLUSTERS: u64 = 1 << 21;

/// What a cluster is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Something that shares its clusters with nothing.
    Only(&'static str),
    /// A cluster of a bitmap.
    Bitmap,
    /// An L2 table, which snapshots may share; not within the present state.
    L2Table {
        /// Of the present state.
        active: bool,
    },
    /// The guest's bytes, which may be shared.
    Data,
    /// The same, compressed.
    Compressed,
}

impl Use {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Only(name) => name,
            Self::Bitmap => "a cluster of a bitmap",
            Self::L2Table { .. } => "an L2 table",
            Self::Data => "a cluster",
            Self::Compressed => "a compressed cluster",
        }
    }

    pub(super) fn section(self) -> &'static str {
        match self {
            Self::Only(_) => HOST_CLUSTERS,
            Self::Bitmap => BITMAPS,
            Self::L2Table { .. } | Self::Data | Self::Compressed => CLUSTER_MAPPING,
        }
    }
}

// What a cluster was found to be used for.
const ONLY: u8 = 1;
const TABLE: u8 = 2;
const ACTIVE_TABLE: u8 = 4;
const DATA: u8 = 8;

/// A window: for each cluster the refcount of the file, the one that was counted, and what uses it.
pub(super) struct Window {
    first: u64,
    stored: Vec<u32>,
    counted: Vec<u32>,
    uses: Vec<u8>,
}

impl Window {
    /// The window `index` of a file of `clusters` clusters.
    pub(super) fn new(index: u64, clusters: u64) -> Self {
        let first = index.saturating_mul(WINDOW_CLUSTERS);
        let len = to_usize(clusters.saturating_sub(first).min(WINDOW_CLUSTERS));
        Self {
            first,
            stored: vec![0; len],
            counted: vec![0; len],
            uses: vec![0; len],
        }
    }

    pub(super) fn range(&self) -> Range<u64> {
        let len = super::super::field::to_u64(self.stored.len());
        self.first..self.first.saturating_add(len)
    }

    /// The clusters from `first` to before `end` that lie in the window.
    pub(super) fn part_of(&self, first: u64, end: u64) -> Range<u64> {
        let range = self.range();
        first.max(range.start)..end.min(range.end)
    }

    /// Notes the refcount that stands in the file; no sane one is cut off.
    pub(super) fn store(&mut self, cluster: u64, refcount: u64) {
        let index = to_usize(cluster.saturating_sub(self.first));
        if let Some(stored) = self.stored.get_mut(index) {
            *stored = u32::try_from(refcount).unwrap_or(u32::MAX);
        }
    }

    /// Counts one more reference to a cluster of the window; what it must not be used for besides,
    /// if it is.
    pub(super) fn count(&mut self, cluster: u64, kind: Use) -> Option<&'static str> {
        let index = to_usize(cluster.saturating_sub(self.first));
        let (counted, uses) = self.counted.get_mut(index).zip(self.uses.get_mut(index))?;
        *counted = counted.saturating_add(1);
        let before = *uses;
        let (mark, excluded) = match kind {
            Use::Only(_) | Use::Bitmap => (ONLY, ONLY | TABLE | ACTIVE_TABLE | DATA),
            Use::L2Table { active: true } => (ACTIVE_TABLE, ONLY | ACTIVE_TABLE | DATA),
            Use::L2Table { active: false } => (TABLE, ONLY | DATA),
            Use::Data | Use::Compressed => (DATA, ONLY | TABLE | ACTIVE_TABLE),
        };
        *uses |= mark;
        match before & excluded {
            0 => None,
            both if both & ONLY != 0 => Some("metadata"),
            both if both & (TABLE | ACTIVE_TABLE) != 0 => Some("an L2 table"),
            _ => Some("the guest's data"),
        }
    }

    /// The refcount that stands in the file, and the one that was counted.
    pub(super) fn counts(&self, cluster: u64) -> (u32, u32) {
        let index = to_usize(cluster.saturating_sub(self.first));
        let of = |counts: &[u32]| counts.get(index).copied().unwrap_or_default();
        (of(&self.stored), of(&self.counted))
    }

    /// The refcount that stands in the file, if the cluster lies in the window.
    pub(super) fn stored(&self, cluster: u64) -> Option<u32> {
        let index = cluster.checked_sub(self.first)?;
        self.stored.get(usize::try_from(index).ok()?).copied()
    }
}
