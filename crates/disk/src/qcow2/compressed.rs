//! Compressed clusters: \[qcow2\] "Compressed Clusters Descriptor".

use detente_block::{BlockRead, ReadError};

use super::corrupt;
use super::field::read_bytes;
use super::unpackers::Unpackers;

const SECTOR: u64 = 512;

/// The window of [`Compression::Zlib`] in bits: QEMU cannot read what was written with a larger one.
pub const ZLIB_WINDOW_BITS: u8 = 12;

/// How the image's compressed clusters are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Deflate, without zlib's header.
    Zlib,
    /// A zstd frame.
    Zstd,
}

/// Where a compressed cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CompressedCluster {
    offset: u64,
    /// Up to the end of its last sector: the compressed bytes may end before.
    len: u64,
}

impl CompressedCluster {
    /// Bits 0 to x-1 are the offset, bits x to 61 the number of further sectors, where x is
    /// 62 - (cluster_bits - 8).
    pub(super) fn parse(descriptor: u64, cluster_bits: u32) -> Self {
        let offset_bits = 70_u32.saturating_sub(cluster_bits);
        let low = |bits: u32| 1_u64.unbounded_shl(bits).saturating_sub(1);
        let offset = descriptor & low(offset_bits);
        let sectors = (descriptor & low(62))
            .unbounded_shr(offset_bits)
            .saturating_add(1);
        let len = sectors
            .saturating_mul(SECTOR)
            .saturating_sub(offset % SECTOR);
        Self { offset, len }
    }

    /// The descriptor of compressed bytes at `place`, less than a cluster: what [`Self::parse`] takes.
    pub(super) fn descriptor(place: u64, len: u64, cluster_bits: u32) -> u64 {
        let last = place.saturating_add(len).saturating_sub(1);
        let sectors = (last / SECTOR).saturating_sub(place / SECTOR);
        place | sectors.unbounded_shl(70_u32.saturating_sub(cluster_bits))
    }

    /// What tells this cluster from others of the image.
    pub(super) fn key(&self) -> (u64, u64) {
        (self.offset, self.len)
    }

    /// Fills `cluster`, which is one in size.
    pub(super) fn read(
        &self,
        file: &dyn BlockRead,
        unpackers: &Unpackers,
        cluster: &mut [u8],
    ) -> Result<(), ReadError> {
        // The last sector of the file need not be whole.
        let len = file.len_bytes().saturating_sub(self.offset).min(self.len);
        if len == 0 {
            let rule = "a compressed cluster lies past the end of the file";
            return Err(corrupt(self.offset, rule));
        }
        let packed = read_bytes(file, self.offset, len)?;
        match unpackers.unpack(&packed, cluster) {
            Ok(len) if len == cluster.len() => Ok(()),
            Ok(len) => {
                let rule = format!("a compressed cluster has only {len} bytes");
                Err(corrupt(self.offset, rule))
            }
            Err(error) => Err(corrupt(
                self.offset,
                format!("a compressed cluster cannot be read: {error}"),
            )),
        }
    }
}
