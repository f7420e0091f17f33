//! Why no image was made.

use std::io;
use std::path::PathBuf;

use detente_block::ReadError;
use detente_disk::{LayoutError, OpenError};

/// Why no image was made. Unless it says otherwise, nothing was left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The source's storage failed, or its bytes are wrong, or we do not support them.
    #[error("the source cannot be read")]
    Source(#[source] ReadError),
    /// The same of the image that the new one is to rest on.
    #[error("the new backing image cannot be read")]
    Base(#[source] ReadError),
    /// A file of the source cannot be locked or asked about.
    #[error("cannot examine {}", path.display())]
    Examine {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another program may write to the source.
    #[error("{} is in use: another program may write to it", path.display())]
    SourceInUse {
        /// The file.
        path: PathBuf,
    },
    /// A file of the source is not what it was at the start.
    #[error("{} changed while it was being read", path.display())]
    SourceChanged {
        /// The file.
        path: PathBuf,
    },
    /// The destination is the source, or a file that the source rests on.
    #[error("the destination {} is a file of the source", path.display())]
    DestinationIsSource {
        /// The destination.
        path: PathBuf,
    },
    /// Another program writes to what would be replaced.
    #[error("{} is in use: another program may write to it", path.display())]
    DestinationInUse {
        /// The destination.
        path: PathBuf,
    },
    /// Something has the destination's name.
    #[error("{} exists", path.display())]
    DestinationExists {
        /// The destination.
        path: PathBuf,
    },
    /// What has the destination's name cannot be written to like this.
    #[error("cannot write to {}: {what}", path.display())]
    DestinationKind {
        /// The destination.
        path: PathBuf,
        /// What is the matter with it.
        what: &'static str,
    },
    /// It was not begun, because the room would not suffice.
    #[error("not enough room for {}: {needed} bytes are needed and {available} are free", path.display())]
    NoRoom {
        /// The destination.
        path: PathBuf,
        /// How many bytes the image takes.
        needed: u64,
        /// How many there are.
        available: u64,
    },
    /// The room did not suffice.
    #[error("no room is left for {}", path.display())]
    Full {
        /// The destination.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The destination cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The destination.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The format cannot hold it.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// What was written cannot be opened again.
    #[error("the new image cannot be opened again")]
    Reopen(#[source] OpenError),
    /// What was written cannot be read again.
    #[error("the new image cannot be read again")]
    Reread(#[source] ReadError),
    /// What was written is not what was read.
    #[error("the new image differs from the source at guest offset {offset:#x}")]
    Differs {
        /// In the guest's view.
        offset: u64,
    },
    /// The image may not become smaller.
    #[error("{} would become smaller", path.display())]
    Shrinks {
        /// The image.
        path: PathBuf,
    },
    /// What would be cut off is not zero.
    #[error("guest offset {offset:#x}, which would be cut off, is not zero")]
    DataCutOff {
        /// In the guest's view.
        offset: u64,
    },
    /// It cannot be done to an image like this.
    #[error("unsupported: {what}")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
    /// Random numbers could not be had.
    #[error("the system has no random numbers")]
    Random(#[source] io::Error),
    /// The caller stopped it.
    #[error("cancelled")]
    Cancelled,
}
