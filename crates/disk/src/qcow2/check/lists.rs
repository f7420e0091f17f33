//! What the header leads to: L1 tables, snapshots, bitmaps, the encryption's header.

use detente_block::ReadError;

use super::Checker;
use super::rules::{BITMAPS, BITMAPS_EXTENSION, ENCRYPTION_HEADER, HEADER, SNAPSHOTS};
use super::tables::L1;
use super::window::Use;
use crate::finding::Severity;
use crate::qcow2::bitmaps::{self, BitmapEntry};
use crate::qcow2::header::MAX_L1_BYTES;
use crate::qcow2::snapshots;

/// Bitmap table entry: bits 9 to 55 are the offset, bit 0 says all ones if there is none.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
const ALL_ONES: u64 = 1;
/// Flags 0 to 2 are known.
const KNOWN_FLAGS: u32 = 7;

impl Checker<'_> {
    /// Marks all lists; the L1 tables that can be walked.
    pub(super) fn lists(&mut self) -> Result<Vec<L1>, ReadError> {
        let header = self.header;
        let mut tables = Vec::new();
        let (start, entries) = (header.l1_table_offset, header.l1_entries);
        tables.extend(self.l1(start, entries, true, 40, HEADER));
        self.snapshots(&mut tables)?;
        self.bitmaps()?;
        if let Some((start, len)) = header.extensions.encryption {
            if header.geometry.in_cluster(start) != 0 || start == 0 {
                let what = format!("the encryption header's offset {start:#x} is not aligned");
                self.broken("qcow2.encryption.alignment", start, ENCRYPTION_HEADER, what);
            } else {
                self.mark(start, len, Use::Only("the encryption header"), start);
            }
        }
        Ok(tables)
    }

    /// An L1 table, cut off where the file ends.
    fn l1(
        &mut self,
        start: u64,
        entries: u64,
        active: bool,
        at: u64,
        section: &'static str,
    ) -> Option<L1> {
        let bytes = entries.saturating_mul(8);
        if self.header.geometry.in_cluster(start) != 0 || (start == 0 && entries > 0) {
            let what = format!("the L1 table's offset {start:#x} is 0 or not aligned");
            self.broken("qcow2.l1-table.alignment", at, section, what);
            return None;
        }
        if bytes > MAX_L1_BYTES {
            let what = format!("the L1 table has {entries} entries, which is over 32 MiB");
            self.broken("qcow2.l1-table.size", at, section, what);
        }
        if entries == 0 {
            return None;
        }
        self.mark(start, bytes.min(MAX_L1_BYTES), Use::Only("an L1 table"), at);
        let in_file = self.file.len_bytes().saturating_sub(start);
        Some(L1 {
            start,
            entries: bytes.min(MAX_L1_BYTES).min(in_file) / 8,
            active,
        })
    }

    fn snapshots(&mut self, tables: &mut Vec<L1>) -> Result<(), ReadError> {
        let header = self.header;
        let mut entries = Vec::new();
        let mut end = header.snapshots_offset;
        let read = snapshots::read(self.file, header, |entry| {
            end = entry.at.saturating_add(entry.len);
            entries.push((
                entry.at,
                entry.l1_table_offset,
                entry.l1_entries,
                entry.needed_l1(header),
            ));
        });
        self.list_error(read, "qcow2.snapshots", SNAPSHOTS)?;
        if !entries.is_empty() {
            let start = header.snapshots_offset;
            let len = end.saturating_sub(start);
            self.mark(start, len, Use::Only("the snapshot table"), 64);
        }
        for (at, start, count, needed) in entries {
            self.list_error(needed.map(|_| ()), "qcow2.snapshots.l1", SNAPSHOTS)?;
            tables.extend(self.l1(start, count, false, at, SNAPSHOTS));
        }
        Ok(())
    }

    fn bitmaps(&mut self) -> Result<(), ReadError> {
        let header = self.header;
        let Some(extension) = &header.extensions.bitmaps else {
            return Ok(());
        };
        if !header.features.bitmaps() {
            // Whoever opens the image for writing drops them.
            if self.is_first {
                let what = "bitmaps were not kept up to date: their clusters are lost".to_owned();
                let rule = "qcow2.bitmaps.inconsistent";
                self.add(Severity::Note, rule, 88, BITMAPS_EXTENSION, what);
            }
            return Ok(());
        }
        let mut entries = Vec::new();
        let read = bitmaps::read(self.file, extension, &header.geometry, |entry| {
            entries.push(entry)
        });
        self.list_error(read, "qcow2.bitmaps", BITMAPS)?;
        if !entries.is_empty() {
            let (start, len) = (extension.directory_offset, extension.directory_size);
            self.mark(start, len, Use::Only("the bitmap directory"), extension.at);
        }
        entries
            .iter()
            .try_for_each(|entry| self.bitmap_table(entry))
    }

    fn bitmap_table(&mut self, entry: &BitmapEntry) -> Result<(), ReadError> {
        let (at, name) = (entry.at, &entry.shown.name);
        if entry.flags & !KNOWN_FLAGS != 0 {
            let what = format!("bitmap {name:?} has unknown flags: {:#x}", entry.flags);
            self.broken("qcow2.bitmap.flags", at, BITMAPS, what);
        }
        if entry.kind != 1 || entry.shown.granularity_bits > 63 {
            let bits = entry.shown.granularity_bits;
            let what = format!(
                "bitmap {name:?} is of type {} and granularity 2^{bits}",
                entry.kind
            );
            self.broken("qcow2.bitmap.type", at, BITMAPS, what);
        }
        let (start, cluster) = (entry.table_offset, self.header.geometry.cluster_bytes());
        if self.header.geometry.in_cluster(start) != 0 || start == 0 {
            let what =
                format!("the offset {start:#x} of the table of bitmap {name:?} is not aligned");
            self.broken("qcow2.bitmap-table.alignment", at, BITMAPS, what);
            return Ok(());
        }
        let bytes = entry.table_entries.saturating_mul(8);
        self.mark(start, bytes, Use::Only("a bitmap table"), at);
        let in_file = self.file.len_bytes().saturating_sub(start);
        self.each_word(start, bytes.min(in_file) / 8, |checker, _, word, at| {
            let data = word & OFFSET;
            let allowed = if data == 0 { ALL_ONES } else { OFFSET };
            if word & !allowed != 0 {
                let what = format!("reserved bits are set in the bitmap table entry {word:#x}");
                checker.broken("qcow2.bitmap-table.reserved", at, BITMAPS, what);
            }
            if checker.header.geometry.in_cluster(data) != 0 {
                let what = format!("the offset {data:#x} of a bitmap's cluster is not aligned");
                checker.broken("qcow2.bitmap-table.alignment", at, BITMAPS, what);
            } else if data != 0 {
                checker.mark(data, cluster, Use::Bitmap, at);
            }
            Ok(())
        })
    }

    /// What is wrong with a list is a finding; that it cannot be read is an error.
    fn list_error(
        &mut self,
        read: Result<(), ReadError>,
        rule: &'static str,
        section: &'static str,
    ) -> Result<(), ReadError> {
        match read {
            Ok(()) => {}
            Err(ReadError::Corrupt { offset, rule: what }) => {
                self.broken(rule, offset, section, what)
            }
            Err(ReadError::Unsupported { offset, what }) => {
                self.report.complete = false;
                self.broken(rule, offset, section, what);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
