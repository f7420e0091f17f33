//! Laying out a new qcow2 image.

use super::spec::Qcow2Spec;
use crate::layout::{Layout, LayoutError};

/// The layout of a new image.
pub(crate) fn layout(_spec: &Qcow2Spec, virtual_size: u64) -> Result<Box<dyn Layout>, LayoutError> {
    Err(LayoutError::TooLarge {
        format: "qcow2",
        virtual_size,
        limit: "this build does not write the format",
    })
}
