//! Read-only file systems, one interface for all.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

use crate::ext4::Ext4;
use crate::fat::{FatFileSystem, FatVolume};
use crate::iso::Iso;
use crate::walk::Walked;
use crate::xfs::Xfs;
use crate::{Btrfs, Content, Volume};

/// A read-only file system. Paths are absolute, `/`-separated and UTF-8; symbolic links are
/// followed inside the file system (an absolute target starts at its root), at most 40 deep.
pub trait FileSystem: Send + Sync {
    /// What stands at `path`, links followed.
    ///
    /// # Errors
    /// [`FsError`].
    fn metadata(&self, path: &str) -> Result<Metadata, FsError>;

    /// The entries of a directory, without `.` and `..`, in no order.
    ///
    /// # Errors
    /// [`FsError`].
    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError>;

    /// The target of the symbolic link at `path`.
    ///
    /// # Errors
    /// [`FsError`].
    fn read_link(&self, path: &str) -> Result<String, FsError>;

    /// The bytes of a regular file, links followed.
    ///
    /// # Errors
    /// [`FsError`].
    fn open(&self, path: &str) -> Result<Arc<dyn BlockRead>, FsError>;

    /// A whole regular file, if it is not longer than `limit_bytes`.
    ///
    /// # Errors
    /// [`FsError::TooLong`] if it is; else as [`FileSystem::open`].
    fn read(&self, path: &str, limit_bytes: u64) -> Result<Vec<u8>, FsError> {
        let file = self.open(path)?;
        let len = file.len_bytes();
        let too_long = || FsError::TooLong {
            path: path.to_owned(),
            len,
            limit: limit_bytes,
        };
        if len > limit_bytes {
            return Err(too_long());
        }
        let mut bytes = vec![0; usize::try_from(len).map_err(|_| too_long())?];
        file.read_exact_at(0, &mut bytes)?;
        Ok(bytes)
    }
}

/// What is known of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// Its kind.
    pub kind: FileKind,
    /// Its length in bytes.
    pub len: u64,
    /// Permission bits.
    pub mode: u16,
    /// Last change of content, seconds since 1970 (0 where the format has none).
    pub modified_s: i64,
}

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, socket or pipe.
    Special,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// The name; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// What the name stands for (a link is not followed).
    pub kind: FileKind,
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FsError {
    /// There is no such file.
    #[error("{path}: no such file")]
    NotFound {
        /// The path asked for.
        path: String,
    },
    /// Not of the kind that the call needs.
    #[error("{path}: is not a {wanted}")]
    WrongKind {
        /// The path asked for.
        path: String,
        /// `file`, `directory`, `symbolic link`.
        wanted: &'static str,
    },
    /// Longer than the caller's limit.
    #[error("{path}: {len} bytes, more than the limit of {limit}")]
    TooLong {
        /// The path asked for.
        path: String,
        /// Its length.
        len: u64,
        /// The caller's limit.
        limit: u64,
    },
    /// Links that lead in a circle, or too many.
    #[error("{path}: too many symbolic links")]
    TooManyLinks {
        /// The path asked for.
        path: String,
    },
    /// The file system breaks its own rules.
    #[error("corrupt {kind} file system: {rule}")]
    Corrupt {
        /// `ext4`, `FAT`.
        kind: &'static str,
        /// The broken rule.
        rule: String,
    },
    /// Sound, but not something that we read.
    #[error("unsupported {kind} file system: {what}")]
    Unsupported {
        /// `ext4`, `FAT`, `xfs`, ….
        kind: &'static str,
        /// What it is.
        what: String,
    },
    /// The layer below failed.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Opens the file system of `volume`: ext2, ext3, ext4, XFS, btrfs, FAT12, FAT16, FAT32 and ISO 9660.
/// Journals are replayed in memory. Of a btrfs it gives the default subvolume, from this volume
/// alone: [`Btrfs`] gives the others, and takes more devices.
///
/// A file system holds at most 16 MiB of cache, and 16 MiB of journal index while one must be
/// replayed.
///
/// # Errors
/// [`FsError::Unsupported`] for what is recognised but not read (and names it).
pub fn open(volume: &Volume) -> Result<Box<dyn FileSystem>, FsError> {
    let unsupported = |kind, what: &str| {
        Err(FsError::Unsupported {
            kind,
            what: what.to_owned(),
        })
    };
    match &volume.content {
        Content::Ext4 { .. } => Ok(Box::new(Walked(Ext4::open(&volume.window)?))),
        Content::Fat { .. } => Ok(Box::new(FatFileSystem(FatVolume::open(&volume.window)?))),
        Content::Btrfs { .. } => {
            let btrfs = Btrfs::open(std::slice::from_ref(&volume.window))?;
            btrfs.open_subvolume(btrfs.default_subvolume())
        }
        Content::Xfs { .. } => Ok(Box::new(Walked(Xfs::open(&volume.window)?))),
        Content::Iso { .. } => Ok(Box::new(Walked(Iso::open(&volume.window)?))),
        Content::Luks { version, .. } => {
            unsupported("LUKS", &format!("it is encrypted (version {version})"))
        }
        Content::Other { kind, .. } => unsupported(kind, "it is recognised, but not read yet"),
        Content::Unknown => unsupported("unknown", "no known format"),
    }
}
