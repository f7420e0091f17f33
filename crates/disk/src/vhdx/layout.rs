//! Laying out a new VHDX image.

use super::spec::VhdxSpec;
use crate::Stamp;
use crate::layout::{Layout, LayoutError};

/// The layout of a new image.
pub(crate) fn layout(
    _spec: &VhdxSpec,
    virtual_size: u64,
    _stamp: &Stamp,
) -> Result<Box<dyn Layout>, LayoutError> {
    Err(LayoutError::TooLarge {
        format: "VHDX",
        virtual_size,
        limit: "this build does not write the format",
    })
}
