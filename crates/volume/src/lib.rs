//! Partition tables and read-only file systems inside a disk.
//!
//! [`scan`] lists the volumes of a disk (GPT, MBR, or the whole disk as one); [`Volume::content`]
//! says what each holds; [`open`] gives a [`FileSystem`] for those that we read.
#![forbid(unsafe_code)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]

mod filesystem;
mod table;

pub use filesystem::{DirEntry, FileKind, FileSystem, FsError, Metadata, open};
pub use table::{Content, ScanError, TableKind, Volume, scan};
