//! The header: [qcow2] "Header".

use detente_block::{BlockRead, ReadError};

use super::backing_name::BackingName;
use super::compressed::Compression;
use super::extensions::backing_format;
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

/// What reading the image takes.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) version: Version,
    pub(super) geometry: Geometry,
    /// The length of the guest's view.
    pub(super) size: u64,
    pub(super) l1_table_offset: u64,
    pub(super) compression: Compression,
    pub(super) backing: Option<BackingName>,
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
        let geometry = read_geometry(fields, &features)?;
        let header_length = read_header_length(fields, version, &geometry)?;
        refuse_encryption(fields)?;
        check_refcount_order(fields, version)?;
        let size = fields.u64(24)?;
        check_l1_size(fields, &geometry, size)?;
        let compression = read_compression(fields, &features, header_length)?;
        let mut backing = BackingName::read(file, fields, &geometry)?;
        if let Some(name) = &mut backing {
            name.format = backing_format(file, header_length, name.offset)?;
        }
        let l1_table_offset = fields.u64(40)?;
        Ok(Self {
            version,
            geometry,
            size,
            l1_table_offset,
            compression,
            backing,
        })
    }
}

/// The incompatible features that a reader has to heed. [qcow2] bytes 72 to 79.
struct Features {
    states_compression: bool,
    has_subclusters: bool,
}

impl Features {
    const AT: usize = 72;
    // Bit 0, dirty: the refcounts may be wrong, which a reader never looks at.
    const DIRTY: u64 = 1 << 0;
    const CORRUPT: u64 = 1 << 1;
    const DATA_FILE: u64 = 1 << 2;
    const COMPRESSION: u64 = 1 << 3;
    const EXTENDED_L2: u64 = 1 << 4;

    fn read(fields: Fields<'_>, version: Version) -> Result<Self, ReadError> {
        let bits = match version {
            Version::V2 => 0,
            Version::V3 => fields.u64(Self::AT)?,
        };
        if bits & Self::CORRUPT != 0 {
            let rule = "the image is marked as corrupt; `qemu-img check -r all` may repair a copy";
            return Err(corrupt(72, rule));
        }
        if bits & Self::DATA_FILE != 0 {
            return Err(unsupported(72, "a qcow2 image with an external data file"));
        }
        let known = Self::DIRTY | Self::COMPRESSION | Self::EXTENDED_L2;
        let unknown = bits & !known;
        if unknown != 0 {
            let bit = unknown.trailing_zeros();
            return Err(unsupported(
                72,
                format!("incompatible feature, bit {bit}, is not known"),
            ));
        }
        Ok(Self {
            states_compression: bits & Self::COMPRESSION != 0,
            has_subclusters: bits & Self::EXTENDED_L2 != 0,
        })
    }
}

fn read_geometry(fields: Fields<'_>, features: &Features) -> Result<Geometry, ReadError> {
    let cluster_bits = fields.u32(20)?;
    Geometry::new(cluster_bits, features.has_subclusters).ok_or_else(|| {
        let fewest = if features.has_subclusters { 14 } else { 9 };
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

fn refuse_encryption(fields: Fields<'_>) -> Result<(), ReadError> {
    match fields.u32(32)? {
        0 => Ok(()),
        1 => Err(unsupported(32, "a qcow2 image encrypted with AES")),
        2 => Err(unsupported(32, "a qcow2 image encrypted with LUKS")),
        other => Err(unsupported(
            32,
            format!("a qcow2 image with encryption method {other}"),
        )),
    }
}

/// Refcounts are not read; a width that is none shows that the header cannot be trusted.
fn check_refcount_order(fields: Fields<'_>, version: Version) -> Result<(), ReadError> {
    let order = match version {
        Version::V2 => return Ok(()),
        Version::V3 => fields.u32(96)?,
    };
    if order > 6 {
        return Err(corrupt(
            96,
            format!("refcount_order is {order}, more than 6"),
        ));
    }
    Ok(())
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

/// [qcow2] byte 104: the field and its feature bit must agree.
fn read_compression(
    fields: Fields<'_>,
    features: &Features,
    header_length: u32,
) -> Result<Compression, ReadError> {
    let kind = if header_length > V3_LENGTH {
        fields.u8(104)?
    } else {
        0
    };
    match (kind, features.states_compression) {
        (0, false) => Ok(Compression::Zlib),
        (1, true) => Ok(Compression::Zstd),
        (0 | 1, _) => Err(corrupt(
            104,
            "the compression type and its incompatible feature bit disagree",
        )),
        (other, _) => Err(unsupported(104, format!("compression type {other}"))),
    }
}
