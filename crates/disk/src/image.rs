//! What an opened image is, whatever its format.

use std::path::PathBuf;
use std::sync::Arc;

use detente_block::{BlockRead, GateError, ReadError};

use crate::qcow2::Qcow2Details;
use crate::stack::Stack;
use crate::vhd::VhdDetails;
use crate::vhdx::VhdxDetails;
use crate::vmdk::VmdkDetails;

/// A disk image format that we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The guest's bytes as they are.
    Raw,
    /// QEMU's copy-on-write format, versions 2 and 3.
    Qcow2,
    /// Hyper-V's format since Windows Server 2012.
    Vhdx,
    /// Virtual PC's and Hyper-V's older format; QEMU calls it `vpc`.
    Vhd,
    /// VMware's format.
    Vmdk,
}

impl Format {
    /// The name that QEMU uses for the format.
    #[must_use]
    pub fn qemu_name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vhdx => "vhdx",
            Self::Vhd => "vpc",
            Self::Vmdk => "vmdk",
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
    /// The length of the guest's view that it states.
    pub virtual_size: u64,
    /// What else there is to say of it.
    pub details: Details,
}

/// What there is to say of a file, by its format.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Details {
    /// Nothing beyond its bytes.
    Raw,
    /// A qcow2 file.
    Qcow2(Qcow2Details),
    /// A VHD file.
    Vhd(VhdDetails),
    /// A VHDX file.
    Vhdx(VhdxDetails),
    /// A VMDK file.
    Vmdk(VmdkDetails),
}

impl Details {
    /// The format that these are details of.
    #[must_use]
    pub fn format(&self) -> Format {
        match self {
            Self::Raw => Format::Raw,
            Self::Qcow2(_) => Format::Qcow2,
            Self::Vhd(_) => Format::Vhd,
            Self::Vhdx(_) => Format::Vhdx,
            Self::Vmdk(_) => Format::Vmdk,
        }
    }
}

/// An opened image: the guest's view of the disk, and the files that it rests on.
pub struct Image {
    /// The guest's view.
    pub reader: Arc<dyn BlockRead>,
    /// The same, for those who ask where the bytes are.
    pub stack: Arc<Stack>,
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
    /// A file that the image rests on may not or cannot be opened.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// A file that holds the image's data may not or cannot be opened: qcow2's external data file, an
    /// extent of a VMDK.
    #[error(transparent)]
    DataFile(GateError),
    /// The files name each other in a circle.
    #[error("{error}")]
    Loop {
        /// The file with the name that closes it.
        path: PathBuf,
        /// Where the name stands, and where it leads.
        error: ReadError,
    },
}
