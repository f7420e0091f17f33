//! Disk image formats: where the guest's bytes are.
//!
//! [`open`] probes a file and yields an [`Image`]: the guest's view as a
//! [`BlockRead`](detente_block::BlockRead) and the chain of layers it rests on. No file is opened
//! here: what an image names goes through the caller's [`Gate`](detente_block::Gate).
#![forbid(unsafe_code)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]

mod image;

pub use image::{Format, Image, Layer, OpenError, open};
