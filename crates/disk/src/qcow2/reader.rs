//! The guest's view of a qcow2 image.

use std::sync::Arc;

use detente_block::{BlockRead, Extent, ExtentKind, ReadError};

use super::backing_name::BackingName;
use super::cache::Cache;
use super::compressed::CompressedCluster;
use super::field::{to_u64, to_usize};
use super::header::Header;
use super::l1_table::L1Table;
use super::l2_entry::{Mapping, Span};
use super::l2_table::L2Table;
use super::walk::{Join, Walk};
use super::{FileOffset, corrupt};
use crate::layer_name::LayerName;

/// What the cached tables, and the cached unpacked clusters, may take each.
const CACHE_BYTES: u64 = 8 << 20;

/// An opened qcow2 image, read by many threads at once.
pub(crate) struct Qcow2 {
    name: LayerName,
    file: Arc<dyn BlockRead>,
    pub(super) header: Header,
    l1: L1Table,
    tables: Cache<FileOffset, L2Table>,
    unpacked: Cache<(u64, u64), Vec<u8>>,
    /// What lies below; may be shorter or longer.
    backing: Option<Arc<dyn BlockRead>>,
}

impl Qcow2 {
    /// Reads the header and the L1 table. Errors, now and later, bear `name`.
    pub(crate) fn open(file: Arc<dyn BlockRead>, name: LayerName) -> Result<Self, ReadError> {
        let header = Header::read(&*file).map_err(|error| name.on(error))?;
        let l1 = L1Table::read(&*file, &header).map_err(|error| name.on(error))?;
        let cluster_bytes = header.geometry.cluster_bytes();
        let tables = Cache::new(CACHE_BYTES, cluster_bytes, 64);
        let unpacked = Cache::new(CACHE_BYTES, cluster_bytes, 16);
        Ok(Self {
            name,
            file,
            header,
            l1,
            tables,
            unpacked,
            backing: None,
        })
    }

    /// The file that the image rests on.
    pub(crate) fn backing_name(&self) -> Option<&BackingName> {
        self.header.backing.as_ref()
    }

    /// Puts `backing` below.
    pub(crate) fn rest_on(&mut self, backing: Arc<dyn BlockRead>) {
        self.backing = Some(backing);
    }

    /// The L2 table that describes the guest's `offset`.
    pub(super) fn l2_table(&self, offset: u64) -> Result<Option<Arc<L2Table>>, ReadError> {
        let geometry = &self.header.geometry;
        let Some(start) = self.l1.l2_table(offset, geometry) else {
            return Ok(None);
        };
        let read = || L2Table::read(&*self.file, start, geometry);
        self.tables.get_or(start, read).map(Some)
    }

    fn inside(&self, offset: u64, wanted: u64) -> Result<(), ReadError> {
        let end = self.header.size;
        match offset.checked_add(wanted) {
            Some(last) if last <= end => Ok(()),
            Some(_) | None => Err(ReadError::PastEnd {
                offset,
                wanted,
                end,
            }),
        }
    }

    /// Fills `part` with what lies at the guest's `offset`.
    fn fill(&self, offset: u64, mapping: Mapping, part: &mut [u8]) -> Result<(), ReadError> {
        let own = match mapping {
            Mapping::Unallocated => return self.fill_from_backing(offset, part),
            Mapping::Zero => {
                part.fill(0);
                Ok(())
            }
            Mapping::Data(start) => self.fill_from_file(offset, start, part),
            Mapping::Compressed { cluster, skip } => self.fill_unpacked(cluster, skip, part),
        };
        own.map_err(|error| self.name.on(error))
    }

    fn fill_from_backing(&self, offset: u64, part: &mut [u8]) -> Result<(), ReadError> {
        let Some(backing) = &self.backing else {
            part.fill(0);
            return Ok(());
        };
        let below = backing
            .len_bytes()
            .saturating_sub(offset)
            .min(to_u64(part.len()));
        let (stored, beyond) = part.split_at_mut(to_usize(below));
        beyond.fill(0);
        if stored.is_empty() {
            return Ok(());
        }
        backing.read_exact_at(offset, stored)
    }

    fn fill_from_file(
        &self,
        offset: u64,
        start: FileOffset,
        part: &mut [u8],
    ) -> Result<(), ReadError> {
        let end = start.0.saturating_add(to_u64(part.len()));
        let len = self.file.len_bytes();
        if end > len {
            let rule = format!(
                "the data of guest offset {offset:#x} goes past the end of the file at {len:#x}"
            );
            return Err(corrupt(start.0, rule));
        }
        self.file.read_exact_at(start.0, part)
    }

    fn fill_unpacked(
        &self,
        cluster: CompressedCluster,
        skip: u64,
        part: &mut [u8],
    ) -> Result<(), ReadError> {
        let header = &self.header;
        let read = || {
            cluster.read(
                &*self.file,
                header.compression,
                header.geometry.cluster_bytes(),
            )
        };
        let bytes = self.unpacked.get_or(cluster.key(), read)?;
        let wanted = bytes
            .get(to_usize(skip)..)
            .and_then(|rest| rest.get(..part.len()));
        part.copy_from_slice(wanted.expect("a run does not go past the cluster's end"));
        Ok(())
    }

    /// The extent of a run that this image does not hold.
    fn extent_of_backing(&self, offset: u64, run: Span) -> Result<Extent, ReadError> {
        match &self.backing {
            Some(backing) if offset < backing.len_bytes() => {
                let below = backing.next_extent(offset)?;
                Ok(Extent {
                    offset,
                    len: run.len.min(below.len),
                    kind: below.kind,
                })
            }
            Some(_) | None => Ok(Extent {
                offset,
                len: run.len,
                kind: ExtentKind::Zero,
            }),
        }
    }
}

impl BlockRead for Qcow2 {
    fn len_bytes(&self) -> u64 {
        self.header.size
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        self.inside(offset, to_u64(buf.len()))?;
        let mut walk = Walk::new(self);
        let mut offset = offset;
        let mut rest = buf;
        while !rest.is_empty() {
            let wanted = to_u64(rest.len());
            let run = walk
                .run(offset, wanted, Join::SameRead)
                .map_err(|error| self.name.on(error))?;
            let len = run.len.min(wanted);
            let (part, after) = std::mem::take(&mut rest).split_at_mut(to_usize(len));
            self.fill(offset, run.mapping, part)?;
            offset = offset.saturating_add(len);
            rest = after;
        }
        Ok(())
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        self.inside(offset, 1)?;
        let run = Walk::new(self).run(offset, u64::MAX, Join::SameKind);
        let run = run.map_err(|error| self.name.on(error))?;
        let extent = |kind| Extent {
            offset,
            len: run.len,
            kind,
        };
        match run.mapping {
            Mapping::Zero => Ok(extent(ExtentKind::Zero)),
            Mapping::Data(_) | Mapping::Compressed { .. } => Ok(extent(ExtentKind::Data)),
            Mapping::Unallocated => self.extent_of_backing(offset, run),
        }
    }
}
