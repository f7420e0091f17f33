//! How clusters, tables and the guest's offsets hang together.

use std::num::NonZero;

/// Subclusters per cluster. \[qcow2\] "Extended L2 Entries".
const SUBCLUSTERS: NonZero<u64> = NonZero::new(32).expect("32 is not zero");

/// The sizes that follow from the cluster size and the width of L2 entries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    cluster_bits: u32,
    cluster: NonZero<u64>,
    /// Bytes per L2 entry: 8, or 16 with subclusters.
    entry: NonZero<u64>,
    /// How many bytes of the guest's view one L2 table describes.
    l2_span: NonZero<u64>,
}

impl Geometry {
    /// None if the cluster size is out of bounds: 512 bytes to 2 MiB (as in QEMU), from 16 KiB on
    /// with subclusters.
    pub(super) fn new(cluster_bits: u32, has_subclusters: bool) -> Option<Self> {
        let (fewest_bits, entry) = if has_subclusters { (14, 16) } else { (9, 8) };
        if !(fewest_bits..=21).contains(&cluster_bits) {
            return None;
        }
        let cluster = NonZero::new(1_u64.checked_shl(cluster_bits)?)?;
        let entry = NonZero::new(entry)?;
        let l2_span = cluster.checked_mul(NonZero::new(cluster.get() / entry)?)?;
        Some(Self {
            cluster_bits,
            cluster,
            entry,
            l2_span,
        })
    }

    pub(super) fn cluster_bits(&self) -> u32 {
        self.cluster_bits
    }

    pub(super) fn cluster_bytes(&self) -> u64 {
        self.cluster.get()
    }

    pub(super) fn has_subclusters(&self) -> bool {
        self.entry.get() == 16
    }

    pub(super) fn entry_bytes(&self) -> u64 {
        self.entry.get()
    }

    pub(super) fn l2_span(&self) -> u64 {
        self.l2_span.get()
    }

    /// How far `offset` is into its cluster.
    pub(super) fn in_cluster(&self, offset: u64) -> u64 {
        offset % self.cluster
    }

    /// Which cluster `offset` is in.
    pub(super) fn cluster_index(&self, offset: u64) -> u64 {
        offset / self.cluster
    }

    /// Which L2 table describes the guest's cluster `guest`.
    pub(super) fn table_of(&self, guest: u64) -> u64 {
        guest.checked_div(self.table_entries()).unwrap_or_default()
    }

    /// The first of the guest's clusters that the L2 table `index` describes.
    pub(super) fn first_of_table(&self, index: u64) -> u64 {
        index.saturating_mul(self.table_entries())
    }

    /// How many clusters an L2 table describes.
    fn table_entries(&self) -> u64 {
        self.cluster.get() / self.entry
    }

    /// How many L1 entries a disk of `size` bytes needs.
    pub(super) fn l1_entries(&self, size: u64) -> u64 {
        size.div_ceil(self.l2_span.get())
    }

    /// Which L1 entry describes the guest's `offset`.
    pub(super) fn l1_index(&self, offset: u64) -> u64 {
        offset / self.l2_span
    }

    /// Which entry of its L2 table describes the guest's `offset`.
    pub(super) fn l2_index(&self, offset: u64) -> u64 {
        (offset % self.l2_span) / self.cluster
    }

    pub(super) fn subcluster_bytes(&self) -> u64 {
        self.cluster.get() / SUBCLUSTERS
    }
}
