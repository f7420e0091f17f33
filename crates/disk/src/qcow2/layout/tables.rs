//! The L2 tables of a new image, one at a time: \[qcow2\] "Cluster mapping".

use super::l1_writer::L1Writer;
use crate::layout::Patch;
use crate::qcow2::compressed::CompressedCluster;
use crate::qcow2::field::to_usize;
use crate::qcow2::geometry::Geometry;

/// "1 if its refcount is exactly one", as all have here.
const COPIED: u64 = 1 << 63;
const COMPRESSED: u64 = 1 << 62;
/// Standard entries: "reads as all zeros".
const ZERO: u64 = 1;
/// Extended entries: all subclusters allocated, all of them zero.
const ALL_ALLOCATED: u64 = 0xffff_ffff;
const ALL_ZERO: u64 = ALL_ALLOCATED << 32;

/// What a cluster of the guest's view holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry {
    /// The bytes at this place.
    Data(u64),
    /// Compressed bytes.
    Compressed { place: u64, len: u64 },
    /// Zeroes, whatever the backing file has.
    Zero,
}

/// The tables, of which one is open.
pub(super) struct Tables {
    geometry: Geometry,
    l1: L1Writer,
    open: Option<OpenTable>,
}

struct OpenTable {
    index: u64,
    offset: u64,
    /// Up to the last entry that is set.
    words: Vec<u64>,
}

impl Tables {
    pub(super) fn new(geometry: &Geometry, l1_offset: u64) -> Self {
        Self {
            geometry: *geometry,
            l1: L1Writer::new(l1_offset),
            open: None,
        }
    }

    pub(super) fn l1_offset(&self) -> u64 {
        self.l1.offset
    }

    /// Whether the table at this index of the L1 table can be written to.
    pub(super) fn is_open(&self, index: u64) -> bool {
        self.open.as_ref().is_some_and(|table| table.index == index)
    }

    /// Goes on to the table at `index`, which is at `offset`.
    pub(super) fn open(&mut self, index: u64, offset: u64, patches: &mut Vec<Patch>) {
        self.close_table(patches);
        self.l1.set(index, offset | COPIED, patches);
        self.open = Some(OpenTable {
            index,
            offset,
            words: Vec::new(),
        });
    }

    /// Sets the entry of the guest's cluster `guest`, whose table is open.
    pub(super) fn set(&mut self, guest: u64, entry: Entry) {
        let extended = self.geometry.has_subclusters();
        let first = self.geometry.first_of_table(self.geometry.table_of(guest));
        let (descriptor, bitmap) = match entry {
            Entry::Data(offset) => (offset | COPIED, ALL_ALLOCATED),
            Entry::Compressed { place, len } => {
                let bits = self.geometry.cluster_bits();
                (
                    COMPRESSED | CompressedCluster::descriptor(place, len, bits),
                    0,
                )
            }
            Entry::Zero => (if extended { 0 } else { ZERO }, ALL_ZERO),
        };
        let words = if extended {
            &[descriptor, bitmap][..]
        } else {
            &[descriptor]
        };
        let table = self.open.as_mut().expect("the table was opened");
        let at = to_usize(guest.saturating_sub(first)).saturating_mul(words.len());
        let end = at.saturating_add(words.len());
        table.words.resize(end.max(table.words.len()), 0);
        let place = table
            .words
            .get_mut(at..end)
            .expect("it was made long enough");
        place.copy_from_slice(words);
    }

    /// Writes down the open table and the rest of the L1 table.
    pub(super) fn close(&mut self, patches: &mut Vec<Patch>) {
        self.close_table(patches);
        self.l1.flush(patches);
    }

    fn close_table(&mut self, patches: &mut Vec<Patch>) {
        if let Some(table) = self.open.take() {
            patches.push(Patch {
                offset: table.offset,
                bytes: table
                    .words
                    .iter()
                    .flat_map(|word| word.to_be_bytes())
                    .collect(),
            });
        }
    }
}
