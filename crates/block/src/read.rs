//! The one trait that everything reads through.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;

/// Bytes that can be read at any position, by many threads at once.
pub trait BlockRead: Send + Sync {
    /// How many bytes there are.
    fn len_bytes(&self) -> u64;

    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    /// [`ReadError::PastEnd`] when the range does not lie wholly inside; otherwise whatever the
    /// layer below met.
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError>;

    /// What lies at `offset`, and how far it goes on alike. The extent starts at `offset`, is not
    /// empty, and ends at or before the end; neighbours may be of the same kind.
    ///
    /// # Errors
    /// [`ReadError::PastEnd`] when `offset` is not below the length.
    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        let len = self.len_bytes();
        match len.checked_sub(offset) {
            None | Some(0) => Err(ReadError::PastEnd {
                offset,
                wanted: 1,
                end: len,
            }),
            Some(rest) => Ok(Extent {
                offset,
                len: rest,
                kind: ExtentKind::Data,
            }),
        }
    }

    /// The open file of this machine that holds these bytes, each at the same offset; `None` where
    /// they lie elsewhere or are made up. For moving bytes inside the kernel.
    fn host_file(&self) -> Option<&File> {
        None
    }
}

impl dyn BlockRead + '_ {
    /// Whether both are known to be one file of this machine, by whatever names they were opened.
    #[must_use]
    pub fn is_same_file(&self, other: &dyn BlockRead) -> bool {
        let own = self.host_file().and_then(device_and_inode);
        own.is_some() && own == other.host_file().and_then(device_and_inode)
    }
}

/// What tells a file from all others; nothing where the operating system does not say it.
fn device_and_inode(file: &File) -> Option<(u64, u64)> {
    let file = file.metadata().ok()?;
    Some((file.dev(), file.ino()))
}

/// A range of bytes that is of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where it starts.
    pub offset: u64,
    /// How long it is, in bytes; never 0.
    pub len: u64,
    /// What it holds.
    pub kind: ExtentKind,
}

/// What an extent holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtentKind {
    /// Bytes that have to be read to be known (they may still be zero).
    Data,
    /// Known to read as zero.
    Zero,
}

/// Why a read failed: the storage, the bytes, or us.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The storage failed.
    #[error("read failed at offset {offset:#x}")]
    Io {
        /// Where in the file.
        offset: u64,
        /// What the operating system said.
        source: io::Error,
    },
    /// The range is not inside.
    #[error("read of {wanted} bytes at offset {offset:#x} goes past the end at {end:#x}")]
    PastEnd {
        /// Where the read began.
        offset: u64,
        /// How much was wanted.
        wanted: u64,
        /// How many bytes there are.
        end: u64,
    },
    /// The bytes break a rule of their format.
    #[error("corrupt data at offset {offset:#x}: {rule}")]
    Corrupt {
        /// Where in the layer's own file.
        offset: u64,
        /// The broken rule, in words.
        rule: String,
    },
    /// Sound, but not something that we read.
    #[error("unsupported at offset {offset:#x}: {what}")]
    Unsupported {
        /// Where.
        offset: u64,
        /// What it is.
        what: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileBackend, MemoryBackend};

    #[test]
    fn a_file_is_the_same_by_every_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name);
        std::fs::write(path("a"), b"alike").unwrap();
        std::fs::write(path("b"), b"alike").unwrap();
        std::fs::hard_link(path("a"), path("link")).unwrap();
        let open = |name| FileBackend::open(&path(name)).unwrap();
        let file: &dyn BlockRead = &open("a");
        assert!(file.is_same_file(&open("a")));
        assert!(file.is_same_file(&open("link")));
        assert!(!file.is_same_file(&open("b")));
        let memory: &dyn BlockRead = &MemoryBackend::new(vec![0]);
        assert!(!memory.is_same_file(memory), "nothing is known of it");
    }
}
