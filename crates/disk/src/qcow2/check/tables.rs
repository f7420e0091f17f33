//! L1 and L2 tables: \[qcow2\] "Cluster mapping", "Extended L2 Entries".

use detente_block::ReadError;

use super::Checker;
use super::rules::{CLUSTER_MAPPING, EXTENDED_L2};
use super::window::Use;
use crate::qcow2::compressed::CompressedCluster;
use crate::qcow2::field::read_words;
use crate::qcow2::header::Version;

/// Bits 9 to 55.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
const COPIED: u64 = 1 << 63;
const COMPRESSED: u64 = 1 << 62;
const ZERO: u64 = 1;
/// Standard entries: bits 1 to 8 and 56 to 61.
const RESERVED: u64 = 0x3f00_0000_0000_01fe;

/// An L1 table inside the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct L1 {
    pub(super) start: u64,
    pub(super) entries: u64,
    /// That of the present state, whose flags say what is shared.
    pub(super) active: bool,
}

/// An entry of an L2 table.
struct Entry {
    at: u64,
    guest: u64,
    descriptor: u64,
    bitmap: Option<u64>,
    active: bool,
}

impl Checker<'_> {
    /// The L2 tables that `l1` names.
    pub(super) fn l2_tables(&mut self, l1: &L1) -> Result<(), ReadError> {
        let active = l1.active;
        self.each_word(l1.start, l1.entries, |checker, _, entry, at| {
            if entry & !(OFFSET | COPIED) != 0 {
                let what = format!("reserved bits are set in the L1 entry {entry:#x}");
                checker.broken("qcow2.l1.reserved", at, CLUSTER_MAPPING, what);
            }
            let table = entry & OFFSET;
            let geometry = &checker.header.geometry;
            if geometry.in_cluster(table) != 0 {
                let what = format!("the L2 table's offset {table:#x} is not aligned");
                checker.broken("qcow2.l2-table.alignment", at, CLUSTER_MAPPING, what);
            } else if table != 0 {
                let cluster = geometry.cluster_bytes();
                checker.mark(table, cluster, Use::L2Table { active }, at);
                checker.copied(entry, table, active, at);
            }
            Ok(())
        })
    }

    /// What the L2 tables of `l1` hold.
    pub(super) fn entries(&mut self, l1: &L1) -> Result<(), ReadError> {
        let active = l1.active;
        self.each_word(l1.start, l1.entries, |checker, index, entry, _| {
            let table = entry & OFFSET;
            let geometry = &checker.header.geometry;
            let cluster = geometry.cluster_bytes();
            let end = table.saturating_add(cluster);
            let usable =
                table != 0 && geometry.in_cluster(table) == 0 && end <= checker.file.len_bytes();
            if !usable || !checker.spend() {
                return Ok(());
            }
            let words = read_words(checker.file, table, cluster / 8)?;
            let width = if geometry.has_subclusters() { 2 } else { 1 };
            let first = index.saturating_mul(geometry.l2_span());
            for (entry, number) in words.chunks_exact(width).zip(0_u64..) {
                let &[descriptor, ref bitmap @ ..] = entry else {
                    continue;
                };
                checker.entry(&Entry {
                    at: table.saturating_add(number.saturating_mul(geometry.entry_bytes())),
                    guest: first.saturating_add(number.saturating_mul(cluster)),
                    descriptor,
                    bitmap: bitmap.first().copied(),
                    active,
                });
            }
            Ok(())
        })
    }

    fn entry(&mut self, entry: &Entry) {
        if entry.descriptor == 0 && entry.bitmap.unwrap_or_default() == 0 {
            return;
        }
        if entry.descriptor & COMPRESSED != 0 {
            self.compressed(entry);
        } else {
            self.standard(entry);
        }
    }

    fn compressed(&mut self, entry: &Entry) {
        let (at, header) = (entry.at, self.header);
        if entry.descriptor & COPIED != 0 {
            let what = "the copied flag of a compressed cluster is set".to_owned();
            self.broken("qcow2.compressed.copied", at, CLUSTER_MAPPING, what);
        }
        if header.features.data_file() {
            let what = "a compressed cluster in an image with an external data file".to_owned();
            self.broken("qcow2.compressed.data-file", at, CLUSTER_MAPPING, what);
        }
        if entry.bitmap.unwrap_or_default() != 0 {
            let what = "a compressed cluster has a subcluster bitmap".to_owned();
            self.broken("qcow2.compressed.bitmap", at, EXTENDED_L2, what);
        }
        let cluster = CompressedCluster::parse(entry.descriptor, header.geometry.cluster_bits());
        let (start, len) = cluster.key();
        if start >= self.file.len_bytes() {
            let what = format!("a compressed cluster at {start:#x} lies past the end of the file");
            return self.broken("qcow2.compressed.past-end", at, CLUSTER_MAPPING, what);
        }
        self.allocated(entry);
        self.mark(start, len, Use::Compressed, at);
    }

    fn standard(&mut self, entry: &Entry) {
        let (at, header) = (entry.at, self.header);
        let geometry = &header.geometry;
        let has_zero_flag = header.version == Version::V3 && entry.bitmap.is_none();
        let reserved = if has_zero_flag {
            RESERVED
        } else {
            RESERVED | ZERO
        };
        if entry.descriptor & reserved != 0 {
            let what = format!(
                "reserved bits are set in the L2 entry {:#x}",
                entry.descriptor
            );
            self.broken("qcow2.l2.reserved", at, CLUSTER_MAPPING, what);
        }
        let data = entry.descriptor & OFFSET;
        let elsewhere = header.features.data_file();
        let has_data = data != 0 || (elsewhere && entry.descriptor & COPIED != 0);
        self.bitmap(entry, has_data);
        if geometry.in_cluster(data) != 0 {
            let what = format!("the cluster's offset {data:#x} is not aligned");
            return self.broken("qcow2.l2.alignment", at, CLUSTER_MAPPING, what);
        }
        if !has_data {
            return;
        }
        self.allocated(entry);
        if elsewhere {
            if data != entry.guest {
                let guest = entry.guest;
                let what = format!("guest offset {guest:#x} is at {data:#x} of the data file");
                self.broken("qcow2.l2.data-file-offset", at, CLUSTER_MAPPING, what);
            }
            return;
        }
        self.mark(data, geometry.cluster_bytes(), Use::Data, at);
        self.copied(entry.descriptor, data, entry.active, at);
    }

    fn bitmap(&mut self, entry: &Entry, has_data: bool) {
        let Some(bitmap) = entry.bitmap else { return };
        let (allocated, zero) = (bitmap & 0xffff_ffff, bitmap >> 32);
        if allocated & zero != 0 {
            let what = format!("subclusters are both allocated and zero: {bitmap:#x}");
            self.broken("qcow2.subcluster.both", entry.at, EXTENDED_L2, what);
        }
        if allocated != 0 && !has_data {
            let what = format!("subclusters are allocated in a cluster that is not: {bitmap:#x}");
            self.broken("qcow2.subcluster.nowhere", entry.at, EXTENDED_L2, what);
        }
    }

    fn allocated(&mut self, entry: &Entry) {
        if self.is_first && entry.active {
            self.report.allocated_units = self.report.allocated_units.saturating_add(1);
        }
    }

    /// The copied flag is set if the refcount is exactly one; "only accurate" in the present state.
    fn copied(&mut self, entry: u64, start: u64, active: bool, at: u64) {
        let cluster = self.header.geometry.cluster_index(start);
        let Some(refcount) = self
            .window
            .stored(cluster)
            .filter(|_| active && self.refcounts_known)
        else {
            return;
        };
        if (entry & COPIED != 0) != (refcount == 1) {
            let flag = if entry & COPIED != 0 { "set" } else { "clear" };
            let what =
                format!("the copied flag is {flag}, the refcount of {start:#x} is {refcount}");
            let corrupt = crate::finding::Severity::Corrupt;
            self.add(corrupt, "qcow2.copied-flag", at, CLUSTER_MAPPING, what);
        }
    }
}
