//! An L2 entry: what one cluster holds. \[qcow2\] "L2 table entry", "Extended L2 Entries".

use detente_block::ReadError;

use super::compressed::CompressedCluster;
use super::geometry::Geometry;
use super::header::Version;
use super::{FileOffset, corrupt};

const COPIED: u64 = 1 << 63;
const COMPRESSED: u64 = 1 << 62;
/// In entries without subclusters: "reads as all zeros".
const ZERO: u64 = 1 << 0;
/// Bits 9 to 55.
const OFFSET_MASK: u64 = 0x00ff_ffff_ffff_fe00;

/// An entry as it stands in its table.
#[derive(Debug, Clone, Copy)]
pub(super) struct L2Entry {
    /// Where it stands.
    pub(super) at: FileOffset,
    pub(super) descriptor: u64,
    /// The bitmap, in images with subclusters.
    pub(super) subclusters: Option<u64>,
    /// Whether the clusters are in another file, where 0 is an offset too.
    pub(super) elsewhere: bool,
}

/// What a place of the guest's view holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mapping {
    /// Nothing here: what the backing file has, or zeroes.
    Unallocated,
    /// Zeroes, whatever the backing file has; the file may keep room for them.
    Zero(Option<FileOffset>),
    /// The bytes at this place of the file.
    Data(FileOffset),
    /// Bytes of a compressed cluster, from `skip` on.
    Compressed {
        cluster: CompressedCluster,
        skip: u64,
    },
}

/// A mapping, and how far it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) mapping: Mapping,
    /// In bytes; never 0.
    pub(super) len: u64,
}

impl L2Entry {
    /// What lies at the guest's `offset`, up to the end of its cluster or subcluster.
    pub(super) fn span(
        &self,
        offset: u64,
        geometry: &Geometry,
        version: Version,
    ) -> Result<Span, ReadError> {
        let skip = geometry.in_cluster(offset);
        let to_cluster_end = geometry.cluster_bytes().saturating_sub(skip);
        if self.descriptor & COMPRESSED != 0 {
            if self.elsewhere {
                let rule = "a compressed cluster in an image with an external data file";
                return Err(corrupt(self.at.0, rule));
            }
            let cluster = CompressedCluster::parse(self.descriptor, geometry.cluster_bits());
            return Ok(Span {
                mapping: Mapping::Compressed { cluster, skip },
                len: to_cluster_end,
            });
        }
        match self.subclusters {
            Some(bitmap) => self.subcluster(bitmap, skip, geometry),
            None => Ok(Span {
                mapping: self.cluster(skip, geometry, version)?,
                len: to_cluster_end,
            }),
        }
    }

    fn cluster(
        &self,
        skip: u64,
        geometry: &Geometry,
        version: Version,
    ) -> Result<Mapping, ReadError> {
        match (self.descriptor & ZERO != 0, version) {
            (true, Version::V2) => Err(corrupt(
                self.at.0,
                "a zero cluster in an image of version 2",
            )),
            (true, Version::V3) => {
                let room = self.data(geometry)?;
                Ok(Mapping::Zero(room.map(|start| after(start, skip))))
            }
            (false, Version::V2 | Version::V3) => {
                let data = self.data(geometry)?;
                Ok(data.map_or(Mapping::Unallocated, |start| {
                    Mapping::Data(after(start, skip))
                }))
            }
        }
    }

    /// One of 32 parts: bits 0 to 31 say allocated, bits 32 to 63 say zero.
    fn subcluster(&self, bitmap: u64, skip: u64, geometry: &Geometry) -> Result<Span, ReadError> {
        let allocated = bitmap & 0xffff_ffff;
        let zero = bitmap.unbounded_shr(32);
        let data = self.data(geometry)?;
        if allocated & zero != 0 {
            return Err(corrupt(
                self.at.0,
                "a subcluster is both allocated and zero",
            ));
        }
        if data.is_none() && allocated != 0 {
            return Err(corrupt(
                self.at.0,
                "a subcluster is allocated in a cluster that is not",
            ));
        }
        let size = geometry.subcluster_bytes();
        let index = skip.checked_div(size).unwrap_or_default();
        let bit = 1_u64.unbounded_shl(u32::try_from(index).unwrap_or(u32::MAX));
        let mapping = match data {
            room if zero & bit != 0 => Mapping::Zero(room.map(|start| after(start, skip))),
            Some(start) if allocated & bit != 0 => Mapping::Data(after(start, skip)),
            Some(_) | None => Mapping::Unallocated,
        };
        let end = index.saturating_add(1).saturating_mul(size);
        Ok(Span {
            mapping,
            len: end.saturating_sub(skip),
        })
    }

    /// Where the cluster's bytes are; none if it has none.
    fn data(&self, geometry: &Geometry) -> Result<Option<FileOffset>, ReadError> {
        let start = self.descriptor & OFFSET_MASK;
        if geometry.in_cluster(start) != 0 {
            return Err(corrupt(
                self.at.0,
                format!("the cluster's offset {start:#x} is not aligned"),
            ));
        }
        // [qcow2] "L2 table entry": 0 is an offset "when an external data file is used".
        let allocated = start != 0 || (self.elsewhere && self.descriptor & COPIED != 0);
        Ok(allocated.then_some(FileOffset(start)))
    }
}

fn after(start: FileOffset, skip: u64) -> FileOffset {
    FileOffset(start.0.saturating_add(skip))
}
