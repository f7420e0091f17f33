//! QEMU's copy-on-write format, versions 2 and 3. Rules cite QEMU's `docs/interop/qcow2.txt` as
//! \[qcow2\], and `block/qcow2.c` where only the code says it.

mod backing_name;
mod cache;
mod compressed;
mod extensions;
mod field;
mod geometry;
mod header;
mod l1_table;
mod l2_entry;
mod l2_table;
mod overlay;
mod reader;
mod walk;

pub(crate) use backing_name::BackingName;
pub(crate) use header::MAGIC;
pub use overlay::{OverlayError, OverlaySpec, empty_overlay};
pub(crate) use reader::Qcow2;

use detente_block::ReadError;

/// A position in the image's own file: never mixed up with one in the guest's view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct FileOffset(u64);

/// The error for a broken rule.
fn corrupt(offset: u64, rule: impl Into<String>) -> ReadError {
    ReadError::Corrupt {
        offset,
        rule: rule.into(),
    }
}

/// The error for what we do not read.
fn unsupported(offset: u64, what: impl Into<String>) -> ReadError {
    ReadError::Unsupported {
        offset,
        what: what.into(),
    }
}
