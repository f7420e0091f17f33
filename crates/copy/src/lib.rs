//! Makes disk images out of others: where the bytes are is known, so most of them never pass
//! through here.
//!
//! [`convert()`] walks the source's extent map, asks the target's layout for places and moves the
//! bytes there: shared or copied inside the kernel where that is possible, through large buffers
//! where it is not, through every core where they are compressed. What the map says is empty is
//! neither read nor written. The image is written under a temporary name, its tables once, and gets
//! its own name when all of it is on stable storage.
//!
//! [`rebase()`] makes images that rest on another one and hold what differs, [`commit()`]
//! puts such an image's content into the file below.
//! [`create()`] makes empty images, [`resize()`] changes the size of one, [`verify()`] reads an image back.
//!
//! ```
//! use std::sync::Arc;
//! use detente_block::{ClosedGate, FileBackend};
//! use detente_copy::{ConvertOptions, Unwatched, convert};
//! use detente_disk::{Qcow2Spec, Target, open};
//!
//! let folder = tempfile::tempdir()?;
//! let (from, to) = (folder.path().join("root.img"), folder.path().join("root.qcow2"));
//! std::fs::write(&from, [7; 4096])?;
//!
//! let source = open(&from, Arc::new(FileBackend::open(&from)?), &ClosedGate)?;
//! let target = Target::Qcow2(Qcow2Spec::default());
//! let report = convert(&source, &target, &to, &ConvertOptions::default(), &Unwatched)?;
//! assert_eq!(report.data_bytes, 4096);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod batch;
mod commit;
mod convert;
mod cook;
#[cfg(test)]
mod crash_tests;
mod create;
mod destination;
mod device;
mod difference;
mod direct;
mod error;
mod guard;
mod kind;
mod losses;
mod mover;
mod name;
mod new_file;
mod noise;
mod options;
mod packer;
mod pool;
mod progress;
mod qemu_locks;
mod rebase;
mod report;
mod resize;
mod space;
mod stamp;
mod verify;
mod walk;
mod write;

pub use commit::{CommitTo, commit, commit_target};
pub use convert::convert;
pub use create::create;
pub use error::ConvertError;
pub use kind::target_like;
pub use losses::{LostRange, MAX_LOST_RANGES};
pub use name::rename_new;
pub use options::{
    ConvertOptions, CreateOptions, OnExisting, OnUnreadable, Preallocation, ResizeOptions, Shrink,
    SourceLock, Verification, Zeroes,
};
pub use progress::{Amount, Progress, Stage, Unwatched};
pub use rebase::rebase;
pub use report::ConvertReport;
pub use resize::resize;
pub use stamp::fresh_stamp;
pub use verify::verify;
