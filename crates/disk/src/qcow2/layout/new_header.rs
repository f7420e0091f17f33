//! The first cluster of a new image: \[qcow2\] "Header" and "Header extensions".

use crate::qcow2::compressed::Compression;
use crate::qcow2::extensions::BACKING_FORMAT;
use crate::qcow2::field::to_u64;
use crate::qcow2::header::MAGIC;
use crate::qcow2::spec::{Qcow2Backing, Qcow2Version};

/// Refcounts of 16 bits: all that version 2 has, and QEMU's default.
const REFCOUNT_ORDER: u32 = 4;
/// With the compression type and its padding, as QEMU writes it since 5.1.
const V3_LENGTH: u32 = 112;
/// Incompatible features, bits 3 and 4.
const COMPRESSION: u64 = 1 << 3;
const EXTENDED_L2: u64 = 1 << 4;

/// What a new image's header says.
pub(in crate::qcow2) struct NewHeader<'a> {
    pub(in crate::qcow2) version: Qcow2Version,
    pub(in crate::qcow2) cluster_bits: u32,
    pub(in crate::qcow2) size: u64,
    pub(in crate::qcow2) l1_size: u32,
    pub(in crate::qcow2) l1_table_offset: u64,
    pub(in crate::qcow2) refcount_table_offset: u64,
    pub(in crate::qcow2) refcount_table_clusters: u32,
    pub(in crate::qcow2) compression: Compression,
    pub(in crate::qcow2) extended_l2: bool,
    pub(in crate::qcow2) backing: Option<&'a Qcow2Backing>,
}

impl NewHeader<'_> {
    /// The header, the backing format's extension, and the backing file's name, whose length was
    /// checked.
    pub(in crate::qcow2) fn bytes(&self) -> Vec<u8> {
        let extensions = self.extensions();
        let length = match self.version {
            Qcow2Version::V2 => 72,
            Qcow2Version::V3 => V3_LENGTH,
        };
        let name = self.backing.map(|backing| backing.path.as_str());
        let name_offset = match name {
            Some(_) => u64::from(length).saturating_add(to_u64(extensions.len())),
            None => 0,
        };
        let name = name.unwrap_or_default();
        let name_len = u32::try_from(name.len()).expect("the length was checked");
        let mut bytes = Vec::new();
        bytes.extend(MAGIC);
        bytes.extend(self.version_number().to_be_bytes()); // version
        bytes.extend(name_offset.to_be_bytes()); // backing_file_offset
        bytes.extend(name_len.to_be_bytes()); // backing_file_size
        bytes.extend(self.cluster_bits.to_be_bytes()); // cluster_bits
        bytes.extend(self.size.to_be_bytes()); // size
        bytes.extend(0_u32.to_be_bytes()); // crypt_method
        bytes.extend(self.l1_size.to_be_bytes()); // l1_size
        bytes.extend(self.l1_table_offset.to_be_bytes()); // l1_table_offset
        bytes.extend(self.refcount_table_offset.to_be_bytes()); // refcount_table_offset
        bytes.extend(self.refcount_table_clusters.to_be_bytes()); // refcount_table_clusters
        bytes.extend(0_u32.to_be_bytes()); // nb_snapshots
        bytes.extend([0; 8]); // snapshots_offset
        if self.version == Qcow2Version::V3 {
            bytes.extend(self.v3_fields());
        }
        bytes.extend(extensions);
        bytes.extend(name.as_bytes());
        bytes
    }

    fn version_number(&self) -> u32 {
        match self.version {
            Qcow2Version::V2 => 2,
            Qcow2Version::V3 => 3,
        }
    }

    fn v3_fields(&self) -> Vec<u8> {
        let (compression_type, compression) = match self.compression {
            Compression::Zlib => (0, 0),
            Compression::Zstd => (1, COMPRESSION),
        };
        let extended_l2 = if self.extended_l2 { EXTENDED_L2 } else { 0 };
        let mut bytes = Vec::new();
        bytes.extend((compression | extended_l2).to_be_bytes()); // incompatible_features
        bytes.extend([0; 16]); // compatible, autoclear features
        bytes.extend(REFCOUNT_ORDER.to_be_bytes()); // refcount_order
        bytes.extend(V3_LENGTH.to_be_bytes()); // header_length
        bytes.extend([compression_type, 0, 0, 0, 0, 0, 0, 0]); // compression type, padding
        bytes
    }

    /// The extension that states the backing format, and the one that ends the area.
    fn extensions(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(backing) = self.backing {
            let name = backing.format.qemu_name().as_bytes();
            let len = u32::try_from(name.len()).expect("format names are short");
            bytes.extend(BACKING_FORMAT.to_be_bytes());
            bytes.extend(len.to_be_bytes());
            bytes.extend(name);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        bytes.extend([0; 8]);
        bytes
    }
}

/// Whether QEMU would take what stands before a colon for a protocol, or stop at a zero byte.
pub(in crate::qcow2) fn misread_name(name: &str) -> bool {
    let first = name.split('/').next().unwrap_or_default();
    first.contains(':') || name.contains('\0')
}
