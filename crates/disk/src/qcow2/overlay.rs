//! An empty qcow2 file that rests on an image and takes the writes.

use super::backing_name::MAX_BYTES;
use super::compressed::Compression;
use super::field::to_u64;
use super::geometry::Geometry;
use super::header::MAX_L1_BYTES;
use super::layout::{NewHeader, misread_name};
use super::spec::{Qcow2Backing, Qcow2Version};
use crate::Format;

/// QEMU's default.
const CLUSTER_BITS: u32 = 16;
const CLUSTER_BYTES: usize = 1 << CLUSTER_BITS;
const SECTOR: u64 = 512;

// Where things are: header, refcount table, refcount block, L1 table.
const REFCOUNT_TABLE: usize = CLUSTER_BYTES;
const REFCOUNT_BLOCK: usize = 2 * CLUSTER_BYTES;
const L1_TABLE: usize = 3 * CLUSTER_BYTES;

/// What an overlay rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlaySpec {
    /// The length of the guest's view in bytes; rounded up to whole sectors of 512 bytes, as QEMU
    /// does with raw files (it would cut an odd end off).
    pub virtual_size: u64,
    /// The backing file as the overlay is to name it; a relative name starts from the overlay's
    /// folder.
    pub backing_path: String,
    /// The backing file's format, so that nobody has to guess it.
    pub backing_format: Format,
}

/// Why an overlay cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverlayError {
    /// The virtual size does not fit into the format, with clusters of 64 KiB.
    #[error("a disk of {virtual_size} bytes is too large for a qcow2 overlay")]
    TooLarge {
        /// As asked for.
        virtual_size: u64,
    },
    /// The format has room for names of 1 to 1023 bytes.
    #[error("the backing file's name has {len} bytes, not 1 to 1023")]
    NameLength {
        /// As asked for.
        len: usize,
    },
    /// QEMU would take what stands before the colon for a protocol, or stop at the zero byte.
    #[error(
        "the backing file's name {name:?} would be misread: a colon before the first slash, or a zero byte"
    )]
    NameMisread {
        /// As asked for.
        name: String,
    },
}

/// The bytes of an empty overlay: qcow2 version 3, clusters of 64 KiB, 16-bit refcounts. Less than
/// 256 KiB for a disk of 1 TiB, because there are no L2 tables yet.
///
/// # Errors
/// [`OverlayError`].
pub fn empty_overlay(spec: &OverlaySpec) -> Result<Vec<u8>, OverlayError> {
    check_name(&spec.backing_path)?;
    let too_large = || OverlayError::TooLarge {
        virtual_size: spec.virtual_size,
    };
    let size = spec
        .virtual_size
        .checked_next_multiple_of(SECTOR)
        .ok_or_else(too_large)?;
    let geometry = Geometry::new(CLUSTER_BITS, false).expect("64 KiB is a cluster size");
    // QEMU gives an empty disk an L1 table too.
    let l1_entries = geometry.l1_entries(size).max(1);
    let l1_bytes = l1_entries.saturating_mul(8);
    if l1_bytes > MAX_L1_BYTES {
        return Err(too_large());
    }
    let l1_size = u32::try_from(l1_entries).map_err(|_| too_large())?;
    let l1_bytes = usize::try_from(l1_bytes).map_err(|_| too_large())?;
    let l1_clusters = l1_bytes.div_ceil(CLUSTER_BYTES);

    let header = NewHeader {
        version: Qcow2Version::V3,
        cluster_bits: CLUSTER_BITS,
        size,
        l1_size,
        l1_table_offset: to_u64(L1_TABLE),
        refcount_table_offset: to_u64(REFCOUNT_TABLE),
        refcount_table_clusters: 1,
        compression: Compression::Zlib,
        extended_l2: false,
        backing: Some(&Qcow2Backing {
            path: spec.backing_path.clone(),
            format: spec.backing_format,
        }),
    };
    let mut bytes = header.bytes();
    bytes.resize(REFCOUNT_TABLE, 0);
    bytes.extend(to_u64(REFCOUNT_BLOCK).to_be_bytes());
    bytes.resize(REFCOUNT_BLOCK, 0);
    // One block counts 32768 clusters; the largest L1 table takes 512.
    for _ in 0..l1_clusters.saturating_add(3) {
        bytes.extend(1_u16.to_be_bytes());
    }
    bytes.resize(L1_TABLE.saturating_add(l1_bytes.next_multiple_of(512)), 0);
    Ok(bytes)
}

fn check_name(name: &str) -> Result<(), OverlayError> {
    let len = name.len();
    if name.is_empty() || u32::try_from(len).is_ok_and(|len| len > MAX_BYTES) {
        return Err(OverlayError::NameLength { len });
    }
    if misread_name(name) {
        return Err(OverlayError::NameMisread {
            name: name.to_owned(),
        });
    }
    Ok(())
}
