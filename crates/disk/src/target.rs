//! What kind of image is to be written.

use crate::layout::{Layout, LayoutError};
use crate::qcow2::Qcow2Spec;
use crate::raw::RawLayout;
use crate::vhd::VhdSpec;
use crate::vhdx::VhdxSpec;
use crate::{Format, qcow2, vhd, vhdx};

/// What makes one image unlike any other: given by the caller, for formats have neither clock nor
/// dice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Random bytes for the unique ids that the format wants; version 4 of RFC 9562 once the layout
    /// has set the bits that say so.
    pub ids: [[u8; 16]; 4],
    /// Seconds since 1970.
    pub unix_seconds: u64,
}

/// A format, with its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The guest's bytes as they are.
    Raw,
    /// qcow2.
    Qcow2(Qcow2Spec),
    /// VHDX.
    Vhdx(VhdxSpec),
    /// VHD.
    Vhd(VhdSpec),
}

impl Target {
    /// The format.
    #[must_use]
    pub fn format(&self) -> Format {
        match self {
            Self::Raw => Format::Raw,
            Self::Qcow2(_) => Format::Qcow2,
            Self::Vhdx(_) => Format::Vhdx,
            Self::Vhd(_) => Format::Vhd,
        }
    }

    /// The layout of a new image for a disk of `virtual_size` bytes.
    ///
    /// # Errors
    /// [`LayoutError`] when an option or the size is not one that the format allows.
    pub fn layout(&self, virtual_size: u64, stamp: &Stamp) -> Result<Box<dyn Layout>, LayoutError> {
        match self {
            Self::Raw => Ok(Box::new(RawLayout::new(virtual_size))),
            Self::Qcow2(spec) => qcow2::layout(spec, virtual_size),
            Self::Vhdx(spec) => vhdx::layout(spec, virtual_size, stamp),
            Self::Vhd(spec) => vhd::layout(spec, virtual_size, stamp),
        }
    }
}
