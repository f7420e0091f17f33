//! What an opened image is, whatever its format.

use std::path::PathBuf;
use std::sync::Arc;

use detente_block::{BlockRead, GateError, ReadError};

/// A disk image format that we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The guest's bytes as they are.
    Raw,
    /// QEMU's copy-on-write format, versions 2 and 3.
    Qcow2,
}

impl Format {
    /// The name that QEMU uses for the format.
    #[must_use]
    pub fn qemu_name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
        }
    }
}

/// One file of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Where the file is.
    pub path: PathBuf,
    /// Its format.
    pub format: Format,
}

/// An opened image: the guest's view of the disk, and the files that it rests on.
pub struct Image {
    /// The guest's view.
    pub reader: Arc<dyn BlockRead>,
    /// The chain, the top file first; never empty.
    pub layers: Vec<Layer>,
}

/// Why an image could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A read failed, or the bytes are wrong, or we do not support them.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file that the image names may not or cannot be opened.
    #[error(transparent)]
    Gate(#[from] GateError),
}
