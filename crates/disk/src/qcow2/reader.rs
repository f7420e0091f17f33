//! What a qcow2 image holds, and where.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

use super::backing_name::BackingName;

use super::compressed::CompressedCluster;
use super::field::{to_u64, to_usize};
use super::header::Header;
use super::l1_table::L1Table;
use super::l2_entry::Mapping;
use super::l2_table::L2Table;
use super::walk::Walk;
use super::{FileOffset, Qcow2Details};
use crate::Details;
use crate::cache::Cache;
use crate::layer::{Identity, LayerMap, LayerPlace, LayerSpan};

/// What the cached tables, and the cached unpacked clusters, may take each.
const CACHE_BYTES: u64 = 8 << 20;

/// An opened qcow2 image, read by many threads at once.
pub(crate) struct Qcow2 {
    file: Arc<dyn BlockRead>,
    pub(super) header: Header,
    l1: L1Table,
    tables: Cache<FileOffset, L2Table>,
    unpacked: Cache<(u64, u64), Vec<u8>>,
}

impl Qcow2 {
    /// Reads the header and the L1 table.
    pub(crate) fn open(file: Arc<dyn BlockRead>) -> Result<Self, ReadError> {
        let header = Header::read(&*file)?;
        let l1 = L1Table::read(&*file, &header)?;
        let cluster_bytes = header.geometry.cluster_bytes();
        let tables = Cache::new(CACHE_BYTES, cluster_bytes, 64);
        let unpacked = Cache::new(CACHE_BYTES, cluster_bytes, 16);
        Ok(Self {
            file,
            header,
            l1,
            tables,
            unpacked,
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
}

impl LayerMap for Qcow2 {
    fn virtual_size(&self) -> u64 {
        self.header.size
    }

    fn span(&self, offset: u64, most: u64) -> Result<LayerSpan, ReadError> {
        let run = Walk::new(self).run(offset, most)?;
        let place = match run.mapping {
            Mapping::Unallocated => LayerPlace::Below,
            Mapping::Zero => LayerPlace::Zero { room: None },
            Mapping::Data(start) => LayerPlace::File {
                file: 0,
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
            Mapping::Unallocated | Mapping::Zero | Mapping::Data(_) => Err(super::corrupt(
                offset,
                "a compressed cluster changed while the image was read",
            )),
        }
    }

    fn identity(&self) -> Identity {
        Identity::None
    }

    fn details(&self) -> Details {
        Details::Qcow2(Qcow2Details {})
    }
}
