//! Virtual PC's and Hyper-V's older format. Rules cite Microsoft's "Virtual Hard Disk Image Format
//! Specification" 1.0 as \[VHD\], and QEMU's `block/vpc.c` where only practice says it.
//!
//! Fixed, dynamic and differencing disks are read, with footers of 512 and 511 bytes; fixed and
//! dynamic ones are laid out.

mod bat;
mod bitmap;
mod check;
mod check_blocks;
mod details;
mod field;
mod fixed;
mod footer;
mod geometry;
mod header;
mod layout;
mod open;
mod parent;
mod sparse;
mod spec;

pub(crate) use check::check;
pub use details::VhdDetails;
pub(crate) use footer::COOKIE;
pub use footer::{VhdDiskType, VhdSizeRule};
pub use geometry::VhdGeometry;
pub(crate) use layout::layout;
pub(crate) use open::open;
pub use parent::VhdParent;
pub use spec::{VhdKind, VhdSpec};

use crate::error::{corrupt, unsupported};
