//! Disk image formats: where the guest's bytes are.
//!
//! [`open`] probes a file and yields an [`Image`]: the guest's view as a
//! [`BlockRead`](detente_block::BlockRead) and the chain of layers it rests on. No file is opened
//! here: what an image names goes through the caller's [`Gate`](detente_block::Gate).
//!
//! Raw, qcow2, VHDX, VHD and VMDK are read, with the files that they rest on; other formats are
//! recognised and refused by name, so that they are never taken for raw disks. [`check()`] names the
//! rules that a file breaks, and a [`Target`] lays out a new one.
//! [`empty_overlay`] makes the bytes of a qcow2 file that rests on an image and takes the writes.
//!
//! ```
//! use std::path::Path;
//! use std::sync::Arc;
//! use detente_block::{BlockRead, ClosedGate, MemoryBackend};
//! use detente_disk::{Format, OverlaySpec, empty_overlay, open};
//!
//! let raw = Arc::new(MemoryBackend::new(vec![7; 4096]));
//! let image = open(Path::new("root.img"), raw, &ClosedGate)?;
//! assert_eq!(image.layers[0].format, Format::Raw);
//! assert_eq!(image.reader.len_bytes(), 4096);
//!
//! let overlay = empty_overlay(&OverlaySpec {
//!     virtual_size: image.reader.len_bytes(),
//!     backing_path: "/images/root.img".to_owned(),
//!     backing_format: Format::Raw,
//! })?;
//! // It names a file, and this gate lets none through.
//! let overlay = Arc::new(MemoryBackend::new(overlay));
//! assert!(open(Path::new("overlay.qcow2"), overlay, &ClosedGate).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]

mod cache;
mod chain;
mod check;
mod error;
mod field;
mod finding;
mod guid;
mod hostile;
mod image;
mod layer;
mod layer_name;
mod layout;
mod map;
mod open_options;
mod probe;
mod qcow2;
mod raw;
mod stack;
mod target;
mod vhd;
mod vhdx;
mod vmdk;

pub use chain::{open, open_layer, open_layer_as, open_with};
pub use check::{check, check_as};
pub use finding::{CheckReport, Finding, MAX_FINDINGS, Severity};
pub use guid::Guid;
#[doc(hidden)]
pub use hostile::exercise;
pub use image::{Details, Format, Image, Layer, OpenError};
pub use layout::{Finish, Layout, LayoutError, Patch, Placed};
pub use map::{FileIndex, ImageFile, MapExtent, Mapped, Place};
pub use open_options::{OpenOptions, Parents};
pub use qcow2::{
    Compression, OverlayError, OverlaySpec, Qcow2Backing, Qcow2BackingName, Qcow2Bitmap,
    Qcow2DataFile, Qcow2Details, Qcow2Encryption, Qcow2Marks, Qcow2Snapshot, Qcow2Spec,
    Qcow2Version, ZLIB_WINDOW_BITS, empty_overlay,
};
pub use stack::Stack;
pub use target::{Stamp, Target};
pub use vhd::{VhdDetails, VhdDiskType, VhdGeometry, VhdKind, VhdParent, VhdSizeRule, VhdSpec};
pub use vhdx::{VhdxAllocation, VhdxDetails, VhdxKind, VhdxLog, VhdxParent, VhdxSpec};
pub use vmdk::{VmdkDetails, VmdkExtent};
