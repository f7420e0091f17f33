//! XFS, read-only and by position: versions 4 and 5. \[xfs\] "XFS Algorithms & Data Structures",
//! third edition, and the Linux kernel's `fs/xfs/libxfs/xfs_format.h` for what is younger.
//!
//! A log that was not written back is replayed in memory; [`xfs_state`] says so. Realtime files
//! are refused one by one; a log on another device is refused altogether, because what it holds
//! cannot be known. Memory: 6 MiB of caches, and while a log is replayed at most 56 MiB more, of
//! which 32 MiB stay; an ordinary log needs a tenth of that.

mod block;
mod bmap;
mod checksum;
mod directory;
mod features;
mod file;
mod filesystem;
mod inode;
mod log;
mod state;
mod superblock;
mod symlink;

pub use log::XfsLog;
pub use state::{XfsState, open_xfs, xfs_state};

use std::sync::Arc;

use detente_block::Window;

use crate::FsError;
use crate::names::Names;
use crate::pages::Pages;
use inode::Inode;
use log::Overlay;
use superblock::Superblock;

/// An open file system.
pub(crate) struct Xfs {
    pages: Pages,
    superblock: Superblock,
    /// Metadata whose newest content stands in the log.
    overlay: Overlay,
    log: XfsLog,
    /// By the number of each directory.
    names: Names<u64, Inode>,
}

impl Xfs {
    /// Reads the superblock, and the log if it was not written back.
    pub(crate) fn open(window: &Window) -> Result<Arc<Self>, FsError> {
        let pages = Pages::new(window.clone());
        let superblock = Superblock::read(&pages)?;
        let (overlay, log) = log::load(&pages, &superblock)?;
        let mut fs = Self {
            pages,
            superblock,
            overlay,
            log,
            names: Names::default(),
        };
        // The newest superblock may itself stand in the log: a file system that has just grown.
        let mut newest = vec![0; usize::from(fs.superblock.sector_bytes)];
        if fs.read(0, &mut newest)? {
            fs.superblock = Superblock::parse_replayed(&newest, fs.pages.len_bytes())?;
        }
        Ok(Arc::new(fs))
    }

    /// Fills `buf` with metadata from byte `offset` of the volume, as it is once the log is
    /// replayed. Says whether the log changed anything: sums are then of the older bytes.
    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<bool, FsError> {
        Ok(self.overlay.read(&self.pages, offset, buf)?)
    }
}

/// The error of a broken rule.
fn corrupt(rule: impl Into<String>) -> FsError {
    FsError::Corrupt {
        kind: "XFS",
        rule: rule.into(),
    }
}

/// The error of something that is sound but not read.
fn unsupported(what: impl Into<String>) -> FsError {
    FsError::Unsupported {
        kind: "XFS",
        what: what.into(),
    }
}
