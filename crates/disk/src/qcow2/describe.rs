//! Gathers what there is to say of a qcow2 file.

use detente_block::{BlockRead, ReadError};

use super::details::{Qcow2DataFile, Qcow2Details, Qcow2Marks};
use super::header::{Header, Version};
use super::spec::Qcow2Version;
use super::{bitmaps, snapshots};

/// What there is to say of the file. What is wrong with tables that the guest's view does not depend
/// on is a part of it.
pub(super) fn describe(file: &dyn BlockRead, header: &Header) -> Qcow2Details {
    let features = header.features;
    let mut broken = Vec::new();
    let mut note = |read: Result<(), ReadError>| {
        if let Err(error) = read {
            broken.push(error.to_string());
        }
    };
    let mut snapshots = Vec::new();
    note(snapshots::read(file, header, |entry| {
        snapshots.push(entry.shown);
    }));
    let mut bitmaps = Vec::new();
    if let Some(extension) = &header.extensions.bitmaps {
        note(bitmaps::read(file, extension, &header.geometry, |entry| {
            bitmaps.push(entry.shown);
        }));
    }
    Qcow2Details {
        version: match header.version {
            Version::V2 => Qcow2Version::V2,
            Version::V3 => Qcow2Version::V3,
        },
        cluster_bytes: header.geometry.cluster_bytes(),
        compression: header.compression,
        extended_l2: features.has_subclusters(),
        refcount_bits: 1_u32.unbounded_shl(header.refcount_order),
        marks: Qcow2Marks {
            dirty: features.dirty(),
            corrupt: features.corrupt(),
            lazy_refcounts: features.lazy_refcounts(),
        },
        backing: header.backing.as_ref().map(|backing| backing.named.clone()),
        data_file: header.features.data_file().then(|| Qcow2DataFile {
            name: header.extensions.data_file.clone().unwrap_or_default(),
            raw: features.raw_data_file(),
        }),
        encryption: header.encryption,
        snapshots,
        bitmaps,
        bitmaps_consistent: features.bitmaps(),
        broken,
    }
}
