//! The extent map: where each byte of the guest's view is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

/// A file of an image: one of its layers, or one that a layer spreads over (an external data file,
/// the extents of a VMDK).
#[derive(Clone)]
pub struct ImageFile {
    /// Where the file is.
    pub path: PathBuf,
    /// Its bytes.
    pub reader: Arc<dyn BlockRead>,
}

impl ImageFile {
    /// Whether what was opened as `reader` at `path` is this file.
    pub(crate) fn is(&self, path: &Path, reader: &dyn BlockRead) -> bool {
        self.path == path || self.reader.is_same_file(reader)
    }
}

/// Which of [`Mapped::files`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileIndex(pub usize);

/// A stretch of the guest's view that lies in one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapExtent {
    /// Where it starts in the guest's view.
    pub offset: u64,
    /// How long it is, in bytes; never 0.
    pub len: u64,
    /// Which layer says so: 0 is the top file.
    pub depth: usize,
    /// Where its bytes are.
    pub place: Place,
}

/// Where the bytes of a stretch are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// As they are, in a file.
    File {
        /// Which file.
        file: FileIndex,
        /// Where in the file.
        offset: u64,
    },
    /// Compressed: only the image's reader yields them.
    Compressed {
        /// Which file.
        file: FileIndex,
        /// Where the compressed bytes start.
        offset: u64,
        /// How many there are at most.
        len: u64,
    },
    /// A layer says that they are zero. The file may keep room for them all the same.
    Zero {
        /// The room, if there is some.
        room: Option<(FileIndex, u64)>,
    },
    /// No layer holds anything: they read as zero.
    Unallocated,
}

/// A disk that can say where its bytes are.
pub trait Mapped: BlockRead {
    /// What lies at `offset`, up to `most` bytes. The extent starts at `offset`, is not empty, and
    /// ends inside; neighbours may be of the same kind.
    ///
    /// # Errors
    /// [`ReadError::PastEnd`] when `offset` is not below the length; otherwise what the tables that
    /// say it are wrong with.
    fn map_extent(&self, offset: u64, most: u64) -> Result<MapExtent, ReadError>;

    /// The files that extents name.
    fn files(&self) -> &[ImageFile];
}
