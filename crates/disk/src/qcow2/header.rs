//! The header: \[qcow2\] "Header".

use std::ops::Range;

use detente_block::{BlockRead, ReadError};

use super::backing_name::BackingName;
use super::compressed::Compression;
use super::details::Qcow2Encryption;
use super::extensions::Extensions;
use super::features::Features;
use super::field::{Fields, read_bytes};
use super::geometry::Geometry;
use super::{corrupt, unsupported};

/// The first four bytes.
pub(crate) const MAGIC: [u8; 4] = *b"QFI\xfb";

/// The fields of version 2.
const V2_LENGTH: u32 = 72;
/// The fields that version 3 always has.
const V3_LENGTH: u32 = 104;
/// The fields that we know of.
const KNOWN_LENGTH: u64 = 112;

/// `QCOW_MAX_L1_SIZE` in QEMU.
pub(super) const MAX_L1_BYTES: u64 = 32 << 20;

/// The fields of the header, and what its extensions say.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) version: Version,
    pub(super) features: Features,
    pub(super) geometry: Geometry,
    pub(super) header_length: u32,
    /// The length of the guest's view.
    pub(super) size: u64,
    pub(super) encryption: Option<Qcow2Encryption>,
    pub(super) l1_entries: u64,
    pub(super) l1_table_offset: u64,
    pub(super) refcount_table_offset: u64,
    pub(super) refcount_table_clusters: u32,
    /// 0 to 6: refcounts have 1 to 64 bits.
    pub(super) refcount_order: u32,
    pub(super) snapshot_count: u32,
    pub(super) snapshots_offset: u64,
    pub(super) compression: Compression,
    pub(super) backing: Option<BackingName>,
    pub(super) extensions: Extensions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V2,
    V3,
}

impl Header {
    pub(super) fn read(file: &dyn BlockRead) -> Result<Self, ReadError> {
        let head = read_bytes(file, 0, file.len_bytes().min(KNOWN_LENGTH))?;
        let fields = Fields {
            bytes: &head,
            start: 0,
        };
        let version = match fields.u32(4)? {
            2 => Version::V2,
            3 => Version::V3,
            other => return Err(unsupported(4, format!("qcow2 version {other}"))),
        };
        let features = Features::read(fields, version)?;
        let geometry = read_geometry(fields, features)?;
        let header_length = read_header_length(fields, version, &geometry)?;
        let size = fields.u64(24)?;
        check_l1_size(fields, &geometry, size)?;
        let mut backing = BackingName::read(file, fields, &geometry)?;
        let area = extension_area(file, header_length, backing.as_ref(), &geometry)?;
        let mut extensions = Extensions::read(file, area.start, area.end)?;
        if let Some(backing) = &mut backing {
            backing.named.format = extensions.backing_format.take();
        }
        Ok(Self {
            version,
            features,
            geometry,
            header_length,
            size,
            encryption: read_encryption(fields)?,
            l1_entries: u64::from(fields.u32(36)?),
            l1_table_offset: fields.u64(40)?,
            refcount_table_offset: fields.u64(48)?,
            refcount_table_clusters: fields.u32(56)?,
            refcount_order: read_refcount_order(fields, version)?,
            snapshot_count: fields.u32(60)?,
            snapshots_offset: fields.u64(64)?,
            compression: read_compression(fields, features, header_length)?,
            backing,
            extensions,
        })
    }

    /// The name of the file that holds the guest's bytes, if it is another one.
    pub(super) fn data_file(&self) -> Result<Option<&str>, ReadError> {
        match (self.features.data_file(), &self.extensions.data_file) {
            (false, _) => Ok(None),
            (true, Some(name)) => Ok(Some(name)),
            (true, None) => Err(unsupported(
                Features::AT,
                "a qcow2 image with an external data file that it does not name",
            )),
        }
    }
}

/// From the header to the backing file's name, or to the end of the first cluster.
fn extension_area(
    file: &dyn BlockRead,
    header_length: u32,
    backing: Option<&BackingName>,
    geometry: &Geometry,
) -> Result<Range<u64>, ReadError> {
    let start = u64::from(header_length);
    let first_cluster = geometry.cluster_bytes().min(file.len_bytes());
    let end = backing.map_or(first_cluster, |name| name.offset);
    if end < start && backing.is_some() {
        return Err(corrupt(8, "the backing file's name lies inside the header"));
    }
    Ok(start..end)
}

fn read_geometry(fields: Fields<'_>, features: Features) -> Result<Geometry, ReadError> {
    let cluster_bits = fields.u32(20)?;
    Geometry::new(cluster_bits, features.has_subclusters()).ok_or_else(|| {
        let fewest = if features.has_subclusters() { 14 } else { 9 };
        corrupt(
            20,
            format!("cluster_bits is {cluster_bits}, not between {fewest} and 21"),
        )
    })
}

fn read_header_length(
    fields: Fields<'_>,
    version: Version,
    geometry: &Geometry,
) -> Result<u32, ReadError> {
    let length = match version {
        Version::V2 => return Ok(V2_LENGTH),
        Version::V3 => fields.u32(100)?,
    };
    if length < V3_LENGTH || u64::from(length) > geometry.cluster_bytes() {
        let rule = format!("header_length is {length}, less than {V3_LENGTH} or over a cluster");
        return Err(corrupt(100, rule));
    }
    Ok(length)
}

fn read_encryption(fields: Fields<'_>) -> Result<Option<Qcow2Encryption>, ReadError> {
    Ok(match fields.u32(32)? {
        0 => None,
        1 => Some(Qcow2Encryption::Aes),
        2 => Some(Qcow2Encryption::Luks),
        other => Some(Qcow2Encryption::Unknown(other)),
    })
}

fn read_refcount_order(fields: Fields<'_>, version: Version) -> Result<u32, ReadError> {
    let order = match version {
        // "always assumed to be 4"
        Version::V2 => return Ok(4),
        Version::V3 => fields.u32(96)?,
    };
    if order > 6 {
        let rule = format!("refcount_order is {order}, more than 6");
        return Err(corrupt(96, rule));
    }
    Ok(order)
}

fn check_l1_size(fields: Fields<'_>, geometry: &Geometry, size: u64) -> Result<(), ReadError> {
    let needed = geometry.l1_entries(size);
    if needed > MAX_L1_BYTES / 8 {
        let rule = format!("the virtual size is {size:#x}, which takes an L1 table over 32 MiB");
        return Err(corrupt(24, rule));
    }
    let l1_size = u64::from(fields.u32(36)?);
    if l1_size > MAX_L1_BYTES / 8 {
        return Err(corrupt(
            36,
            format!("l1_size is {l1_size}, which is a table over 32 MiB"),
        ));
    }
    if l1_size < needed {
        let rule = format!("l1_size is {l1_size}, but the virtual size takes {needed} entries");
        return Err(corrupt(36, rule));
    }
    Ok(())
}

/// \[qcow2\] byte 104: the field and its feature bit must agree.
fn read_compression(
    fields: Fields<'_>,
    features: Features,
    header_length: u32,
) -> Result<Compression, ReadError> {
    let kind = if header_length > V3_LENGTH {
        fields.u8(104)?
    } else {
        0
    };
    match (kind, features.states_compression()) {
        (0, false) => Ok(Compression::Zlib),
        (1, true) => Ok(Compression::Zstd),
        (0 | 1, _) => Err(corrupt(
            104,
            "the compression type and its incompatible feature bit disagree",
        )),
        (other, _) => Err(unsupported(104, format!("compression type {other}"))),
    }
}
