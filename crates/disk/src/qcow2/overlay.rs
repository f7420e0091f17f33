//! An empty qcow2 file that rests on an image and takes the writes.

use super::backing_name::MAX_BYTES;
use super::extensions::BACKING_FORMAT;
use super::field::to_u64;
use super::geometry::Geometry;
use super::header::{MAGIC, MAX_L1_BYTES};
use crate::Format;

/// QEMU's default.
const CLUSTER_BITS: u32 = 16;
const CLUSTER_BYTES: usize = 1 << CLUSTER_BITS;
/// Refcounts of 16 bits, QEMU's default.
const REFCOUNT_ORDER: u32 = 4;
/// With the compression type and its padding, as QEMU writes it since 5.1.
const HEADER_LENGTH: u32 = 112;
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

    let mut bytes = header(spec, size, l1_size);
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
    let first = name.split('/').next().unwrap_or_default();
    if first.contains(':') || name.contains('\0') {
        return Err(OverlayError::NameMisread {
            name: name.to_owned(),
        });
    }
    Ok(())
}

/// The header, the backing format's extension, and the backing file's name.
fn header(spec: &OverlaySpec, size: u64, l1_size: u32) -> Vec<u8> {
    let extension = extension(spec.backing_format);
    let name_offset = u64::from(HEADER_LENGTH).saturating_add(to_u64(extension.len()));
    let name_len = u32::try_from(spec.backing_path.len()).expect("the length was checked");
    let mut bytes = Vec::with_capacity(CLUSTER_BYTES);
    bytes.extend(MAGIC);
    bytes.extend(3_u32.to_be_bytes()); // version
    bytes.extend(name_offset.to_be_bytes()); // backing_file_offset
    bytes.extend(name_len.to_be_bytes()); // backing_file_size
    bytes.extend(CLUSTER_BITS.to_be_bytes()); // cluster_bits
    bytes.extend(size.to_be_bytes()); // size
    bytes.extend(0_u32.to_be_bytes()); // crypt_method
    bytes.extend(l1_size.to_be_bytes()); // l1_size
    bytes.extend(to_u64(L1_TABLE).to_be_bytes()); // l1_table_offset
    bytes.extend(to_u64(REFCOUNT_TABLE).to_be_bytes()); // refcount_table_offset
    bytes.extend(1_u32.to_be_bytes()); // refcount_table_clusters
    bytes.extend(0_u32.to_be_bytes()); // nb_snapshots
    bytes.extend([0; 8]); // snapshots_offset
    bytes.extend([0; 24]); // incompatible, compatible, autoclear features
    bytes.extend(REFCOUNT_ORDER.to_be_bytes()); // refcount_order
    bytes.extend(HEADER_LENGTH.to_be_bytes()); // header_length
    bytes.extend([0; 8]); // compression type zlib, padding
    bytes.extend(extension);
    bytes.extend(spec.backing_path.as_bytes());
    bytes
}

/// The extension that states the backing format, and the one that ends the area.
fn extension(format: Format) -> Vec<u8> {
    let name = format.qemu_name().as_bytes();
    let len = u32::try_from(name.len()).expect("format names are short");
    let mut bytes = Vec::new();
    bytes.extend(BACKING_FORMAT.to_be_bytes());
    bytes.extend(len.to_be_bytes());
    bytes.extend(name);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend([0; 8]);
    bytes
}
