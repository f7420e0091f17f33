//! Laying out a new VHD image.

use super::spec::VhdSpec;
use crate::Stamp;
use crate::layout::{Layout, LayoutError};

/// The layout of a new image.
pub(crate) fn layout(
    _spec: &VhdSpec,
    virtual_size: u64,
    _stamp: &Stamp,
) -> Result<Box<dyn Layout>, LayoutError> {
    Err(LayoutError::TooLarge {
        format: "VHD",
        virtual_size,
        limit: "this build does not write the format",
    })
}
