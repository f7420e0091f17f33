//! What a qcow2 image holds, and where.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

use super::backing_name::BackingName;

use super::compressed::CompressedCluster;
use super::describe::describe;
use super::details::Qcow2Details;
use super::field::{to_u64, to_usize};
use super::header::Header;
use super::l1_table::L1Table;
use super::l2_entry::Mapping;
use super::l2_table::L2Table;
use super::snapshots::{self, SnapshotEntry};
use super::unpackers::Unpackers;
use super::walk::Walk;
use super::{FileOffset, unsupported};
use crate::Details;
use crate::cache::Cache;
use crate::layer::{Identity, LayerMap, LayerPlace, LayerSpan};

/// What the cached tables, and the cached unpacked clusters, may take each.
const CACHE_BYTES: u64 = 8 << 20;

/// An opened qcow2 image, read by many threads at once.
pub(crate) struct Qcow2 {
    file: Arc<dyn BlockRead>,
    pub(super) header: Header,
    /// The length of the guest's view, which a snapshot may have had another of.
    pub(super) size: u64,
    l1: L1Table,
    tables: Cache<FileOffset, L2Table>,
    unpacked: Cache<(u64, u64), Vec<u8>>,
    unpackers: Unpackers,
    details: Qcow2Details,
}

impl Qcow2 {
    /// Reads the header and the L1 table: the present one, or that of the snapshot with this id or
    /// name.
    pub(crate) fn open(
        file: Arc<dyn BlockRead>,
        snapshot: Option<&str>,
    ) -> Result<Self, ReadError> {
        let header = Header::read(&*file)?;
        let geometry = &header.geometry;
        let (l1, size) = match snapshot {
            None => {
                let needed = geometry.l1_entries(header.size);
                let start = header.l1_table_offset;
                (
                    L1Table::read(&*file, geometry, 40, start, needed)?,
                    header.size,
                )
            }
            Some(wanted) => {
                let entry = find_snapshot(&*file, &header, wanted)?;
                let needed = entry.needed_l1(&header)?;
                let start = entry.l1_table_offset;
                let l1 = L1Table::read(&*file, geometry, entry.at, start, needed)?;
                (l1, entry.shown.virtual_size)
            }
        };
        let cluster_bytes = geometry.cluster_bytes();
        let tables = Cache::new(CACHE_BYTES, cluster_bytes, 64);
        let unpacked = Cache::new(CACHE_BYTES, cluster_bytes, 16);
        let details = describe(&*file, &header);
        let unpackers = Unpackers::new(header.compression);
        Ok(Self {
            file,
            header,
            size,
            l1,
            tables,
            unpacked,
            unpackers,
            details,
        })
    }

    /// The file that the image rests on.
    pub(crate) fn backing_name(&self) -> Option<&BackingName> {
        self.header.backing.as_ref()
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

    /// Fills `part` from `skip` on of the cluster. Whole clusters are not kept: nobody asks twice.
    fn fill_unpacked(
        &self,
        cluster: CompressedCluster,
        skip: u64,
        part: &mut [u8],
    ) -> Result<(), ReadError> {
        let cluster_bytes = self.header.geometry.cluster_bytes();
        if skip == 0 && to_u64(part.len()) == cluster_bytes {
            return cluster.read(&*self.file, &self.unpackers, part);
        }
        let read = || {
            let mut bytes = vec![0; to_usize(cluster_bytes)];
            cluster.read(&*self.file, &self.unpackers, &mut bytes)?;
            Ok(bytes)
        };
        let bytes = self.unpacked.get_or(cluster.key(), read)?;
        let wanted = bytes
            .get(to_usize(skip)..)
            .and_then(|rest| rest.get(..part.len()));
        part.copy_from_slice(wanted.expect("a run does not go past the cluster's end"));
        Ok(())
    }
}

impl LayerMap for Qcow2 {
    fn virtual_size(&self) -> u64 {
        self.size
    }

    fn span(&self, offset: u64, most: u64) -> Result<LayerSpan, ReadError> {
        let run = Walk::new(self).run(offset, most)?;
        // The image's files are itself and, if there is one, the file with the clusters.
        let clusters = usize::from(self.header.features.data_file());
        let place = match run.mapping {
            Mapping::Unallocated => LayerPlace::Below,
            Mapping::Zero(room) => LayerPlace::Zero {
                room: room.map(|start| (clusters, start.0)),
            },
            Mapping::Data(start) => LayerPlace::File {
                file: clusters,
                offset: start.0,
            },
            Mapping::Compressed { cluster, .. } => {
                let (offset, len) = cluster.key();
                LayerPlace::Compressed {
                    file: 0,
                    offset,
                    len,
                }
            }
        };
        Ok(LayerSpan {
            len: run.len,
            place,
        })
    }

    fn read_compressed(&self, offset: u64, part: &mut [u8]) -> Result<(), ReadError> {
        match Walk::new(self).run(offset, to_u64(part.len()))?.mapping {
            Mapping::Compressed { cluster, skip } => self.fill_unpacked(cluster, skip, part),
            // Another process may be writing to the file.
            Mapping::Unallocated | Mapping::Zero(_) | Mapping::Data(_) => Err(super::corrupt(
                offset,
                "a compressed cluster changed while the image was read",
            )),
        }
    }

    fn identity(&self) -> Identity {
        Identity::None
    }

    fn details(&self) -> Details {
        Details::Qcow2(self.details.clone())
    }
}

/// The snapshot with this id or, if there is none, with this name.
fn find_snapshot(
    file: &dyn BlockRead,
    header: &Header,
    wanted: &str,
) -> Result<SnapshotEntry, ReadError> {
    let (mut by_id, mut by_name) = (None, None);
    snapshots::read(file, header, |entry| {
        if entry.shown.id == wanted {
            by_id.get_or_insert(entry);
        } else if entry.shown.name == wanted {
            by_name.get_or_insert(entry);
        }
    })?;
    by_id.or(by_name).ok_or_else(|| {
        let what = format!("there is no snapshot {wanted:?} in the image");
        unsupported(60, what)
    })
}
