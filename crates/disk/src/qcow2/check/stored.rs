//! The refcounts that stand in the file: \[qcow2\] "Host cluster management".

use detente_block::ReadError;

use super::Checker;
use super::rules::{HEADER, HOST_CLUSTERS};
use super::window::{Use, WINDOW_CLUSTERS};
use crate::qcow2::field::{read_bytes, read_words, to_u64};

/// Entries of the refcount table that are read at once.
const PIECE: u64 = 8192;
/// `QCOW_MAX_REFTABLE_SIZE` in QEMU.
const MAX_TABLE_BYTES: u64 = 8 << 20;
/// Refcount table entry: bits 0 to 8.
const RESERVED: u64 = 0x1ff;

impl Checker<'_> {
    /// How many entries the refcount table has inside the file.
    fn table_entries(&self) -> u64 {
        let header = self.header;
        let cluster = header.geometry.cluster_bytes();
        let bytes = u64::from(header.refcount_table_clusters).saturating_mul(cluster);
        let in_file = self
            .file
            .len_bytes()
            .saturating_sub(header.refcount_table_offset);
        bytes.min(in_file).min(MAX_TABLE_BYTES) / 8
    }

    /// How many clusters a block counts: always a power of two.
    fn per_block(&self) -> u64 {
        let bits = self.header.geometry.cluster_bytes().saturating_mul(8);
        bits.unbounded_shr(self.header.refcount_order)
    }

    /// The table and its blocks.
    pub(super) fn refcount_table(&mut self) -> Result<(), ReadError> {
        let header = self.header;
        let (geometry, start) = (&header.geometry, header.refcount_table_offset);
        if geometry.in_cluster(start) != 0 || start == 0 {
            let what = format!("the refcount table's offset {start:#x} is 0 or not aligned");
            self.broken("qcow2.refcount-table.alignment", 48, HEADER, what);
            self.report.complete = false;
            self.refcounts_known = false;
            return Ok(());
        }
        let bytes =
            u64::from(header.refcount_table_clusters).saturating_mul(geometry.cluster_bytes());
        if bytes == 0 || bytes > MAX_TABLE_BYTES {
            let what = format!("the refcount table has {bytes} bytes, not up to 8 MiB");
            self.broken("qcow2.refcount-table.size", 56, HEADER, what);
        }
        self.mark(
            start,
            bytes.min(MAX_TABLE_BYTES),
            Use::Only("the refcount table"),
            48,
        );
        self.each_word(start, self.table_entries(), |checker, index, entry, at| {
            checker.refcount_block(index, entry, at);
            Ok(())
        })
    }

    fn refcount_block(&mut self, index: u64, entry: u64, at: u64) {
        if entry & RESERVED != 0 {
            let what = format!("reserved bits are set in the refcount table entry {entry:#x}");
            self.broken("qcow2.refcount-table.reserved", at, HOST_CLUSTERS, what);
        }
        let block = entry & !RESERVED;
        if self.header.geometry.in_cluster(block) != 0 {
            let what = format!("the refcount block's offset {block:#x} is not aligned");
            self.broken("qcow2.refcount-block.alignment", at, HOST_CLUSTERS, what);
        } else if block != 0 {
            let cluster = self.header.geometry.cluster_bytes();
            self.mark(block, cluster, Use::Only("a refcount block"), at);
            let counts = index.saturating_mul(self.per_block());
            if self.is_first && counts < self.clusters {
                let last = counts
                    .saturating_add(self.per_block())
                    .min(self.clusters)
                    .saturating_sub(1);
                self.touched
                    .extend(counts / WINDOW_CLUSTERS..=last / WINDOW_CLUSTERS);
            }
        }
    }

    /// Reads the refcounts of the window.
    pub(super) fn load_refcounts(&mut self) -> Result<(), ReadError> {
        if !self.refcounts_known {
            return Ok(());
        }
        let (order, per_block) = (self.header.refcount_order, self.per_block());
        let range = self.window.range();
        let entries = self.table_entries();
        let mut first = range.start;
        while first < range.end {
            let index = first.checked_div(per_block).unwrap_or_default();
            let next = index
                .saturating_add(1)
                .saturating_mul(per_block)
                .min(range.end);
            if index >= entries {
                break;
            }
            let at = self
                .header
                .refcount_table_offset
                .saturating_add(index.saturating_mul(8));
            let block = read_words(self.file, at, 1)?
                .first()
                .copied()
                .unwrap_or_default();
            // A multiple of eight, for windows and blocks are powers of two, or there is one block.
            let skip = first.checked_rem(per_block).unwrap_or_default();
            self.load_block(block & !RESERVED, skip, first..next, order)?;
            first = next;
        }
        Ok(())
    }

    fn load_block(
        &mut self,
        block: u64,
        skip: u64,
        clusters: std::ops::Range<u64>,
        order: u32,
    ) -> Result<(), ReadError> {
        let unusable = block == 0 || self.header.geometry.in_cluster(block) != 0;
        let bytes_of = |count: u64| count.unbounded_shl(order).div_ceil(8);
        let start = block.saturating_add(bytes_of(skip));
        let len = bytes_of(clusters.end.saturating_sub(clusters.start));
        let len = len.min(self.file.len_bytes().saturating_sub(start));
        if unusable || len == 0 {
            return Ok(());
        }
        let bytes = read_bytes(self.file, start, len)?;
        for (index, cluster) in clusters.enumerate() {
            self.window
                .store(cluster, entry(&bytes, to_u64(index), order));
        }
        Ok(())
    }

    /// Hands `entries` big-endian words at `start`, which lie inside the file, to `take`: index,
    /// word, and where it stands.
    pub(super) fn each_word(
        &mut self,
        start: u64,
        entries: u64,
        mut take: impl FnMut(&mut Self, u64, u64, u64) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut index = 0;
        while index < entries && self.spend() {
            let at = start.saturating_add(index.saturating_mul(8));
            let count = entries.saturating_sub(index).min(PIECE);
            for (word, into) in read_words(self.file, at, count)?.into_iter().zip(0_u64..) {
                if word != 0 {
                    let at = at.saturating_add(into.saturating_mul(8));
                    take(self, index.saturating_add(into), word, at)?;
                }
            }
            index = index.saturating_add(count);
        }
        Ok(())
    }

    /// Whether one more piece of a table may be read in this pass.
    pub(super) fn spend(&mut self) -> bool {
        match self.budget.checked_sub(1) {
            Some(left) => {
                self.budget = left;
                true
            }
            None => {
                self.report.complete = false;
                false
            }
        }
    }
}

/// Refcount `index` of a block: 2 to the power of `order` bits. Narrow ones start at a byte's least
/// significant bit.
fn entry(block: &[u8], index: u64, order: u32) -> u64 {
    let bit = index.unbounded_shl(order);
    let at = usize::try_from(bit / 8).unwrap_or(usize::MAX);
    let Some(rest) = block.get(at..) else {
        return 0;
    };
    if order < 3 {
        let width = 1_u32.unbounded_shl(order);
        let mask = 1_u8.unbounded_shl(width).saturating_sub(1);
        let shift = u32::try_from(bit % 8).unwrap_or_default();
        let byte = rest.first().copied().unwrap_or_default();
        return u64::from(byte.unbounded_shr(shift) & mask);
    }
    let width = 1_usize.unbounded_shl(order.saturating_sub(3));
    let bytes = rest.get(..width).unwrap_or_default();
    bytes
        .iter()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::entry;

    #[test]
    fn refcounts_have_1_to_64_bits() {
        let block = [0b1010_0110, 0x12, 0, 0, 0, 0, 0, 0x34, 0xff];
        let bits: Vec<_> = (0..8).map(|index| entry(&block, index, 0)).collect();
        assert_eq!(bits, [0, 1, 1, 0, 0, 1, 0, 1]);
        let pairs: Vec<_> = (0..4).map(|index| entry(&block, index, 1)).collect();
        assert_eq!(pairs, [2, 1, 2, 2]);
        assert_eq!([entry(&block, 2, 2), entry(&block, 3, 2)], [2, 1]);
        assert_eq!(entry(&block, 1, 3), 0x12);
        assert_eq!(entry(&block, 0, 4), 0xa612);
        assert_eq!(entry(&block, 1, 5), 0x34);
        assert_eq!(entry(&block, 0, 6), 0xa612_0000_0000_0034);
        assert_eq!(entry(&block, 1, 6), 0);
    }
}
