//! storvsc: SCSI disks behind a channel, as Linux's hv_storvsc and Windows' storvsc drive them.
//!
//! A controller ([`scsi`]) has up to 64 logical units on path 0, target 0; they come, go and grow
//! through its [`Handle`]. A generation 1 machine's boot disk ([`ide`]) speaks the same protocol on
//! a channel of its own.
//!
//! ```
//! use std::sync::Arc;
//! use detente_block::MemoryDisk;
//! use detente_vmbus::{Guid, storvsc};
//!
//! let disk = storvsc::Medium {
//!     lun: 0,
//!     disk: Arc::new(MemoryDisk::new(vec![0; 1 << 20])),
//!     sector: storvsc::SectorSize::B512,
//!     access: storvsc::Access::ReadWrite,
//!     serial: "root-0001".parse()?,
//! };
//! let (controller, handle) = storvsc::scsi(Guid::new(1), vec![disk])?;
//! # drop((controller, handle));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is asked of a disk is done before the answer is sent, so a flush is a flush and nothing is
//! ever in flight. What the guest can get wrong becomes a status, a sense code or a refusal; what
//! the disk gets wrong becomes a medium error for the guest and a [`Fault`] for the owner.

mod buffer;
mod capacity;
mod command;
mod device;
pub(crate) mod exercise;
mod fault;
mod fields;
mod handle;
mod inquiry;
mod medium;
mod mode;
mod outcome;
mod place;
mod sense;
mod session;
mod transfer;
mod unit;
mod units;
mod unmap;
mod wire;
mod write_same;

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that overflows fails"
)]
mod tests;

pub use device::Storvsc;
pub use fault::Fault;
pub use handle::{Handle, ResizeError};
pub use medium::{Access, BadSerial, Medium, SectorSize, Serial};
pub use place::IdePlace;
pub use units::{AttachError, NoSuchUnit};

use crate::guid::Guid;
use place::Role;

/// The most bytes that one request moves. Said to the guest, which keeps to it; OpenVMM says the
/// same number.
pub const MAX_TRANSFER_BYTES: u32 = 256 * 1024;

/// How many logical units a controller has at most; their numbers are below it.
pub const UNIT_LIMIT: u8 = 64;

/// A SCSI controller with these disks. Its instance has to be the same at each boot.
///
/// # Errors
/// [`AttachError`] when a disk cannot be attached; two of the same number for instance.
pub fn scsi(instance: Guid, media: Vec<Medium>) -> Result<(Storvsc, Handle), AttachError> {
    let (device, handle) = Storvsc::new(Role::Scsi { instance });
    for medium in media {
        handle.attach(medium)?;
    }
    Ok((device, handle))
}

/// A disk of a generation 1 machine's IDE controller, by its accelerated channel. The instance
/// follows from the place, because drivers read the place from it.
///
/// # Errors
/// [`AttachError`]; the medium's LUN has to be 0.
pub fn ide(place: IdePlace, medium: Medium) -> Result<(Storvsc, Handle), AttachError> {
    let (device, handle) = Storvsc::new(Role::Ide { place });
    handle.attach(medium)?;
    Ok((device, handle))
}
