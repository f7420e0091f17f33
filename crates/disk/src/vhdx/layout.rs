//! Laying out a new VHDX image.

use super::geometry::{Geometry, MAX_VIRTUAL_SIZE, is_block_size, is_sector_size};
use super::layout_fixed::Fixed;
use super::layout_sparse::Sparse;
use super::spec::{VhdxKind, VhdxParent, VhdxSpec};
use crate::Stamp;
use crate::layout::{Layout, LayoutError};

/// What the length field of a parent locator's entry can say, in UTF-16 units.
const MAX_PATH_UNITS: usize = 32767;

/// The layout of a new image.
pub(crate) fn layout(
    spec: &VhdxSpec,
    virtual_size: u64,
    stamp: &Stamp,
) -> Result<Box<dyn Layout>, LayoutError> {
    let geometry = geometry(spec, virtual_size)?;
    Ok(match &spec.kind {
        VhdxKind::Fixed => Box::new(Fixed::new(geometry, *stamp)),
        VhdxKind::Dynamic => Box::new(Sparse::new(geometry, None, *stamp)),
        VhdxKind::Differencing(parent) => {
            check_parent(parent)?;
            Box::new(Sparse::new(geometry, Some(parent.clone()), *stamp))
        }
    })
}

fn geometry(spec: &VhdxSpec, virtual_size: u64) -> Result<Geometry, LayoutError> {
    if !is_block_size(spec.block_bytes) {
        let allowed = "a power of two from 1 MiB to 256 MiB";
        return Err(option("the block size", spec.block_bytes, allowed));
    }
    for (name, bytes) in [
        ("the logical sector size", spec.logical_sector_bytes),
        ("the physical sector size", spec.physical_sector_bytes),
    ] {
        if !is_sector_size(bytes) {
            return Err(option(name, bytes, "512 or 4096"));
        }
    }
    let whole = virtual_size.checked_next_multiple_of(u64::from(spec.logical_sector_bytes));
    let virtual_size =
        whole
            .filter(|size| *size <= MAX_VIRTUAL_SIZE)
            .ok_or(LayoutError::TooLarge {
                format: "VHDX",
                virtual_size,
                limit: "64 TiB are allowed ([MS-VHDX] 2.6.2.2)",
            })?;
    let (leave_blocks_allocated, has_parent) = match spec.kind {
        VhdxKind::Fixed => (true, false),
        VhdxKind::Dynamic => (false, false),
        VhdxKind::Differencing(_) => (false, true),
    };
    Ok(Geometry {
        virtual_size,
        block_bytes: spec.block_bytes,
        logical_sector_bytes: spec.logical_sector_bytes,
        physical_sector_bytes: spec.physical_sector_bytes,
        leave_blocks_allocated,
        has_parent,
    })
}

fn option(option: &'static str, value: impl ToString, allowed: &'static str) -> LayoutError {
    LayoutError::Option {
        option,
        value: value.to_string(),
        allowed,
    }
}

/// \[MS-VHDX\] 2.6.2.6.3.
fn check_parent(parent: &VhdxParent) -> Result<(), LayoutError> {
    let fits = |path: &str| (1..=MAX_PATH_UNITS).contains(&path.encode_utf16().count());
    if !fits(&parent.relative_path) {
        let allowed = "one to 32767 characters long";
        return Err(option(
            "the parent's relative path",
            &parent.relative_path,
            allowed,
        ));
    }
    match &parent.absolute_path {
        Some(path) if !fits(path) || !path.starts_with(r"\\?\") => {
            let allowed = r"a Win32 path of up to 32767 characters that begins with \\?\";
            Err(option("the parent's absolute path", path, allowed))
        }
        Some(_) | None => Ok(()),
    }
}
