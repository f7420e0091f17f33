//! The name of the file that an image rests on.

use detente_block::{BlockRead, ReadError};

use super::details::Qcow2BackingName;
use super::field::{Fields, read_bytes};
use super::geometry::Geometry;
use super::{corrupt, unsupported};

/// \[qcow2\] bytes 16 to 19: "Must not be longer than 1023 bytes".
pub(super) const MAX_BYTES: u32 = 1023;

/// A backing file as the header names it.
#[derive(Debug)]
pub(crate) struct BackingName {
    /// Where the name stands in the file.
    pub(crate) offset: u64,
    /// The name; its format stands in an extension.
    pub(crate) named: Qcow2BackingName,
}

impl BackingName {
    /// Reads the name; its format stands in an extension.
    pub(super) fn read(
        file: &dyn BlockRead,
        header: Fields<'_>,
        geometry: &Geometry,
    ) -> Result<Option<Self>, ReadError> {
        let offset = header.u64(8)?;
        let size = header.u32(16)?;
        if offset == 0 || size == 0 {
            return Ok(None);
        }
        if size > MAX_BYTES {
            return Err(corrupt(
                16,
                format!("the backing file's name has {size} bytes"),
            ));
        }
        // [qcow2] "Header extensions": it stands in the rest of the first cluster.
        let end = offset.checked_add(u64::from(size));
        if end.is_none_or(|end| end > geometry.cluster_bytes().min(file.len_bytes())) {
            return Err(corrupt(
                8,
                "the backing file's name goes past the first cluster",
            ));
        }
        let bytes = read_bytes(file, offset, u64::from(size))?;
        let name = String::from_utf8(bytes)
            .map_err(|_| unsupported(offset, "the backing file's name is not UTF-8"))?;
        let format = None;
        Ok(Some(Self {
            offset,
            named: Qcow2BackingName { name, format },
        }))
    }
}
