//! Laying out a new qcow2 image: header, L1 table, then what is placed, in order.
//!
//! L2 tables and refcount blocks stand before the run of data that needs them, so that a run is
//! interrupted once per [`TABLE_BYTES`] of tables and not at each. The refcount table comes last.
//! Memory: one L2 table, one refcount block, a piece of the L1 table, eight bytes per refcount block
//! (256 KiB for 64 TiB), and the patches that nobody took out yet.

mod clusters;
mod l1_writer;
mod new_header;
mod options;
mod refcounts;
mod tables;

use clusters::Clusters;
pub(super) use new_header::{NewHeader, misread_name};
use tables::{Entry, Tables};

use super::backing_name::MAX_BYTES;
use super::compressed::Compression;
use super::field::to_u64;
use super::geometry::Geometry;
use super::header::MAX_L1_BYTES;
use super::spec::{Qcow2Spec, Qcow2Version};
use crate::layout::{Finish, Layout, LayoutError, Patch, Placed};

/// How many bytes of new L2 tables one run of data may take.
const TABLE_BYTES: u64 = 1 << 20;
/// QEMU cuts off what is not a whole sector.
const SECTOR: u64 = 512;

/// The layout of a new image.
pub(crate) fn layout(spec: &Qcow2Spec, virtual_size: u64) -> Result<Box<dyn Layout>, LayoutError> {
    Ok(Box::new(Qcow2Layout::new(spec, virtual_size)?))
}

struct Qcow2Layout {
    spec: Qcow2Spec,
    geometry: Geometry,
    size: u64,
    l1_entries: u64,
    clusters: Clusters,
    tables: Tables,
    /// The last cluster of the guest's view that got a place, and the place.
    last: Option<(u64, u64)>,
    /// No cluster of the guest's view before this one is asked for again.
    at: u64,
    patches: Vec<Patch>,
}

impl Qcow2Layout {
    fn new(spec: &Qcow2Spec, virtual_size: u64) -> Result<Self, LayoutError> {
        let geometry = options::geometry(spec)?;
        let too_large = |limit| LayoutError::TooLarge {
            format: "qcow2",
            virtual_size,
            limit,
        };
        let size = virtual_size
            .checked_next_multiple_of(SECTOR)
            .ok_or_else(|| too_large("a size has 64 bits"))?;
        // QEMU gives an empty disk an L1 table too.
        let l1_entries = geometry.l1_entries(size).max(1);
        let l1_bytes = l1_entries.saturating_mul(8);
        if l1_bytes > MAX_L1_BYTES {
            return Err(too_large("its L1 table would take more than 32 MiB"));
        }
        let mut patches = Vec::new();
        let mut clusters = Clusters::new(&geometry);
        // The header's.
        clusters.take(1, &mut patches)?;
        let l1_clusters = l1_bytes.div_ceil(geometry.cluster_bytes());
        clusters.reserve(l1_clusters, &mut patches)?;
        let l1_offset = clusters.take(l1_clusters, &mut patches)?;
        let layout = Self {
            tables: Tables::new(&geometry, l1_offset),
            clusters,
            spec: spec.clone(),
            geometry,
            size,
            l1_entries,
            last: None,
            at: 0,
            patches,
        };
        // Refuses names that do not fit, before anything is written.
        layout.header(0, 0).map(|_| layout)
    }

    /// The first cluster of a range that is asked for, and the one after its last.
    fn clusters_of(&mut self, offset: u64, len: u64) -> (u64, u64) {
        let end = offset.checked_add(len);
        assert!(
            len > 0 && end.is_some_and(|end| end <= self.size),
            "a range inside the disk"
        );
        let first = self.geometry.cluster_index(offset);
        assert!(first >= self.at, "offsets grow from call to call");
        let last_byte = offset.saturating_add(len).saturating_sub(1);
        let last = self.geometry.cluster_index(last_byte);
        self.at = last;
        (first, last.saturating_add(1))
    }

    /// Makes the table at `index` the open one, in a new cluster.
    fn need_table(&mut self, index: u64) -> Result<(), LayoutError> {
        if !self.tables.is_open(index) {
            self.clusters.reserve(1, &mut self.patches)?;
            let offset = self.clusters.take(1, &mut self.patches)?;
            self.tables.open(index, offset, &mut self.patches);
        }
        Ok(())
    }

    /// Gives clusters of the guest's view a place in one piece.
    fn place_run(&mut self, first: u64, end: u64) -> Result<u64, LayoutError> {
        let cluster = self.geometry.cluster_bytes();
        let first_table = self.geometry.table_of(first);
        let end_table = self
            .geometry
            .table_of(end.saturating_sub(1))
            .saturating_add(1);
        let open = u64::from(self.tables.is_open(first_table));
        let new_tables = end_table.saturating_sub(first_table).saturating_sub(open);
        let count = end.saturating_sub(first);
        let all = new_tables.saturating_add(count);
        self.clusters.reserve(all, &mut self.patches)?;
        let mut table = self.clusters.take(new_tables, &mut self.patches)?;
        let data = self.clusters.take(count, &mut self.patches)?;
        let mut offset = data;
        for guest in first..end {
            let index = self.geometry.table_of(guest);
            if !self.tables.is_open(index) {
                self.tables.open(index, table, &mut self.patches);
                table = table.saturating_add(cluster);
            }
            self.tables.set(guest, Entry::Data(offset));
            offset = offset.saturating_add(cluster);
        }
        self.last = Some((end.saturating_sub(1), offset.saturating_sub(cluster)));
        Ok(data)
    }

    fn header(&self, table: u64, table_clusters: u64) -> Result<Vec<u8>, LayoutError> {
        let fits = "the numbers were bounded";
        let header = NewHeader {
            version: self.spec.version,
            cluster_bits: self.geometry.cluster_bits(),
            size: self.size,
            l1_size: u32::try_from(self.l1_entries).expect(fits),
            l1_table_offset: self.tables.l1_offset(),
            refcount_table_offset: table,
            refcount_table_clusters: u32::try_from(table_clusters).expect(fits),
            compression: self.spec.compression.unwrap_or(Compression::Zlib),
            extended_l2: self.spec.extended_l2,
            backing: self.spec.backing.as_ref(),
        };
        let bytes = header.bytes();
        // [qcow2] "Header extensions": all of it lies in the first cluster.
        if to_u64(bytes.len()) > self.geometry.cluster_bytes() {
            return Err(LayoutError::Option {
                option: "the backing file's name",
                value: format!("{} bytes long", bytes.len()),
                allowed: "it stands in the first cluster, after the header",
            });
        }
        Ok(bytes)
    }
}

impl Layout for Qcow2Layout {
    fn virtual_size(&self) -> u64 {
        self.size
    }

    fn granule(&self) -> u64 {
        self.geometry.cluster_bytes()
    }

    fn place(&mut self, offset: u64, len: u64) -> Result<Placed, LayoutError> {
        let cluster = self.geometry.cluster_bytes();
        let skip = self.geometry.in_cluster(offset);
        let before = self.at;
        let (first, end) = self.clusters_of(offset, len);
        if let Some((guest, place)) = self.last
            && guest == first
        {
            // The rest of a cluster that has a place.
            self.at = before;
            return Ok(Placed {
                offset: place.saturating_add(skip),
                len: len.min(cluster.saturating_sub(skip)),
            });
        }
        let most_tables = TABLE_BYTES.div_ceil(cluster);
        let table_end = self.geometry.table_of(first).saturating_add(most_tables);
        let end = end.min(self.geometry.first_of_table(table_end));
        self.at = end.saturating_sub(1);
        let data = self.place_run(first, end)?;
        let run = end.saturating_sub(first).saturating_mul(cluster);
        Ok(Placed {
            offset: data.saturating_add(skip),
            len: len.min(run.saturating_sub(skip)),
        })
    }

    fn place_compressed(&mut self, offset: u64, packed_len: u64) -> Result<Placed, LayoutError> {
        let cluster = self.geometry.cluster_bytes();
        let whole = self.geometry.in_cluster(offset) == 0;
        if self.spec.compression.is_none() || !whole || !(1..cluster).contains(&packed_len) {
            return Err(LayoutError::NotCompressed { offset });
        }
        let (guest, _) = self.clusters_of(offset, 1);
        self.need_table(self.geometry.table_of(guest))?;
        let place = self.clusters.take_bytes(packed_len, &mut self.patches)?;
        let len = packed_len;
        self.tables.set(guest, Entry::Compressed { place, len });
        Ok(Placed { offset: place, len })
    }

    /// Clusters that the range only touches are zero as a whole, unless they have a place.
    fn zero(&mut self, offset: u64, len: u64) -> Result<(), LayoutError> {
        if self.spec.backing.is_none() || len == 0 {
            return Ok(());
        }
        let (first, end) = self.clusters_of(offset, len);
        let placed = |guest| self.last.is_some_and(|(last, _)| last == guest);
        let first = first.saturating_add(u64::from(placed(first)));
        if first >= end {
            return Ok(());
        }
        match self.spec.version {
            // There are no zero clusters: room that nobody writes to is zero too.
            Qcow2Version::V2 => self.place_run(first, end).map(|_| ()),
            Qcow2Version::V3 => (first..end).try_for_each(|guest| {
                self.need_table(self.geometry.table_of(guest))?;
                self.tables.set(guest, Entry::Zero);
                Ok(())
            }),
        }
    }

    fn take_patches(&mut self) -> Vec<Patch> {
        std::mem::take(&mut self.patches)
    }

    fn finish(mut self: Box<Self>) -> Result<Finish, LayoutError> {
        self.tables.close(&mut self.patches);
        let (table, table_clusters) = self.clusters.finish(&mut self.patches)?;
        let header = self.header(table, table_clusters)?;
        let mut patches = self.patches;
        patches.push(Patch {
            offset: 0,
            bytes: header,
        });
        Ok(Finish {
            patches,
            file_len: self.clusters.end(),
        })
    }
}
