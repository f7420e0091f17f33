//! Which options of a new image go together.

use super::{MAX_BYTES, misread_name};
use crate::layout::LayoutError;
use crate::qcow2::compressed::Compression;
use crate::qcow2::field::to_u64;
use crate::qcow2::geometry::Geometry;
use crate::qcow2::spec::{Qcow2Spec, Qcow2Version};

/// The sizes of an image with these options, if it can have them.
pub(super) fn geometry(spec: &Qcow2Spec) -> Result<Geometry, LayoutError> {
    match (spec.version, spec.compression) {
        (Qcow2Version::V2, Some(Compression::Zstd)) => {
            return refused("the compression", "zstd", "version 2 has deflate only");
        }
        (Qcow2Version::V2 | Qcow2Version::V3, Some(Compression::Zlib) | None)
        | (Qcow2Version::V3, Some(Compression::Zstd)) => {}
    }
    if spec.extended_l2 && spec.version == Qcow2Version::V2 {
        return refused("extended_l2", "on", "version 2 has no subclusters");
    }
    if let Some(backing) = &spec.backing {
        let len = to_u64(backing.path.len());
        if len == 0 || len > u64::from(MAX_BYTES) {
            let value = format!("{len} bytes long");
            return refused("the backing file's name", value, "1 to 1023 bytes");
        }
        if misread_name(&backing.path) {
            let allowed = "no zero byte, and no colon before the first slash";
            return refused("the backing file's name", &backing.path, allowed);
        }
    }
    let allowed = match spec.extended_l2 {
        true => "14 to 21 (16 KiB to 2 MiB) with subclusters",
        false => "9 to 21 (512 bytes to 2 MiB)",
    };
    match Geometry::new(spec.cluster_bits, spec.extended_l2) {
        Some(geometry) => Ok(geometry),
        None => refused("cluster_bits", spec.cluster_bits.to_string(), allowed),
    }
}

fn refused<T>(
    option: &'static str,
    value: impl Into<String>,
    allowed: &'static str,
) -> Result<T, LayoutError> {
    Err(LayoutError::Option {
        option,
        value: value.into(),
        allowed,
    })
}
