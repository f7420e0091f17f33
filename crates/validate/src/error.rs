//! Why a run could not be made at all. What goes wrong inside a guest is a result, not an error.

use std::io;
use std::path::PathBuf;

use detente_guest::BootFilesError;
use detente_host::HostError;

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValidateError {
    /// The output folder is there already.
    #[error("{} exists already", path.display())]
    FolderBusy {
        /// The folder.
        path: PathBuf,
    },
    /// A file of the run could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The kernel and initramfs cannot be had from the disk.
    #[error("cannot read the guest's boot files")]
    BootFiles(#[from] BootFilesError),
    /// The overlay for a disk cannot be made.
    #[error("cannot make an overlay for {}", path.display())]
    Overlay {
        /// The source.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A disk that QEMU does not read by itself cannot be served to it.
    #[error("cannot serve {} to the machine", path.display())]
    Serve {
        /// The source.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The host refused.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A document could not be made.
    #[error("cannot write a document of the run")]
    Document(#[from] serde_json::Error),
    /// The report could not be made.
    #[error(transparent)]
    Report(#[from] detente_report::RenderError),
    /// No randomness for the run's name.
    #[error("the system gives no random numbers")]
    Random,
}

impl ValidateError {
    /// The way out, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::FolderBusy { .. } => {
                Some("name a folder that does not exist with --out, or remove this one".to_owned())
            }
            Self::Write { .. } | Self::Overlay { .. } | Self::Serve { .. } => {
                Some("look at the folder's permissions and at the free space there (df)".to_owned())
            }
            Self::BootFiles(error) => error.hint(),
            Self::Host(_) | Self::Document(_) | Self::Report(_) | Self::Random => None,
        }
    }
}
