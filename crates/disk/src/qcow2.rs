//! QEMU's copy-on-write format, versions 2 and 3. Rules cite QEMU's `docs/interop/qcow2.txt` as
//! \[qcow2\], and `block/qcow2.c` where only the code says it.

mod backing_name;
mod bitmaps;
mod check;
mod compressed;
mod describe;
mod details;
mod extensions;
mod features;
mod field;
mod geometry;
mod header;
mod l1_table;
mod l2_entry;
mod l2_table;
mod layout;
mod open;
mod overlay;
mod reader;
mod snapshots;
mod spec;
mod unpackers;
mod walk;

pub(crate) use check::check;
pub use compressed::{Compression, ZLIB_WINDOW_BITS};
pub use details::{
    Qcow2BackingName, Qcow2Bitmap, Qcow2DataFile, Qcow2Details, Qcow2Encryption, Qcow2Marks,
    Qcow2Snapshot,
};
pub(crate) use header::MAGIC;
pub(crate) use layout::layout;
pub(crate) use open::{open, open_to_describe};
pub use overlay::{OverlayError, OverlaySpec, empty_overlay};
pub use spec::{Qcow2Backing, Qcow2Spec, Qcow2Version};

use crate::error::{corrupt, unsupported};

/// A position in the image's own file: never mixed up with one in the guest's view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct FileOffset(u64);
