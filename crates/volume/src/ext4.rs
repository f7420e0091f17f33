//! ext2, ext3 and ext4, read-only and by position. \[ext4\] the Linux kernel's
//! `Documentation/filesystems/ext4`.

mod blocks;
mod checksum;
mod directory;
mod file;
mod filesystem;
mod group;
mod inode;
mod journal;
mod state;
mod superblock;

pub use state::{Ext4State, ext4_state};

use std::sync::Arc;

use detente_block::Window;

use crate::FsError;
use crate::names::Names;
use crate::pages::Pages;
use inode::Inode;
use journal::Overlay;
use superblock::Superblock;

/// An open file system.
pub(crate) struct Ext4 {
    pages: Pages,
    superblock: Superblock,
    /// Blocks whose newest content stands in the journal.
    overlay: Overlay,
    /// By the number of each directory.
    names: Names<u32, Inode>,
}

impl Ext4 {
    /// Reads the superblock, and the journal if it was not written back.
    pub(crate) fn open(window: &Window) -> Result<Arc<Self>, FsError> {
        let pages = Pages::new(window.clone());
        let superblock = Superblock::read(&pages)?;
        let mut fs = Self {
            pages,
            superblock,
            overlay: Overlay::default(),
            names: Names::default(),
        };
        if fs.superblock.needs_recovery() {
            fs.overlay = journal::load(&fs)?;
            // The newest superblock may itself stand in the journal.
            let mut newest = vec![0; superblock::BYTES];
            fs.read(superblock::OFFSET, &mut newest)?;
            fs.superblock = Superblock::parse(&newest, fs.pages.len_bytes())?;
        }
        Ok(Arc::new(fs))
    }

    /// Fills `buf` from byte `offset` of the volume, as it is once the journal is replayed.
    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<(), FsError> {
        self.pages.read(offset, buf)?;
        self.overlay
            .patch(&self.pages, self.superblock.block_bytes, offset, buf)?;
        Ok(())
    }

    /// A whole block of metadata.
    fn block(&self, block: u64) -> Result<Vec<u8>, FsError> {
        let bytes = self.superblock.block_bytes;
        let offset = self.superblock.offset_of(block)?;
        let mut buf = vec![0; usize::try_from(bytes).map_err(|_| corrupt("block too long"))?];
        self.read(offset, &mut buf)?;
        Ok(buf)
    }
}

/// The error of a broken rule.
fn corrupt(rule: impl Into<String>) -> FsError {
    FsError::Corrupt {
        kind: "ext4",
        rule: rule.into(),
    }
}

/// The error of something that is sound but not read.
fn unsupported(what: impl Into<String>) -> FsError {
    FsError::Unsupported {
        kind: "ext4",
        what: what.into(),
    }
}
