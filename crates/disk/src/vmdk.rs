//! VMware's format. Rules cite VMware's "Virtual Disk Format 5.0" as \[VMDK\], and QEMU's
//! `block/vmdk.c` where only practice says it.
//!
//! A descriptor (a text file, or text inside a sparse extent) names the extents that make up the
//! disk. Read are flat, hosted sparse (plain, and compressed as in stream-optimized disks), ESX's
//! sparse (COWD), space-efficient sparse (seSparse) and zero extents. Other files open only through
//! the caller's gate, which refuses absolute paths and so devices.

mod check;
mod check_grains;
mod claimed;
mod cowd;
mod descriptor;
mod details;
mod directory;
mod extent;
mod field;
mod grains;
mod hosted;
mod open;
mod packed;
mod reader;
mod se_sparse;
mod shape;

pub(crate) use check::check;
pub use details::{VmdkDetails, VmdkExtent};
pub(crate) use open::{COWD_MAGIC, DESCRIPTOR_MAGIC, HOSTED_MAGIC, open};

use crate::error::{corrupt, unsupported};

/// What offsets of the format count.
const SECTOR: u64 = 512;
