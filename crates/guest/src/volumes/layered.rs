//! A btrfs as GRUB sees it: upstream's from the top level, SUSE's from the default subvolume.

use std::sync::Arc;

use detente_block::BlockRead;
use detente_volume::{DirEntry, FileSystem, FsError, Metadata};

/// Two trees: what is not in the first is looked for in the second.
struct Layered {
    first: Box<dyn FileSystem>,
    second: Box<dyn FileSystem>,
}

pub(super) fn join(first: Box<dyn FileSystem>, second: Box<dyn FileSystem>) -> Box<dyn FileSystem> {
    Box::new(Layered { first, second })
}

impl Layered {
    fn ask<T>(
        &self,
        question: impl Fn(&dyn FileSystem) -> Result<T, FsError>,
    ) -> Result<T, FsError> {
        match question(self.first.as_ref()) {
            Err(FsError::NotFound { .. }) => question(self.second.as_ref()),
            answer => answer,
        }
    }
}

impl FileSystem for Layered {
    fn metadata(&self, path: &str) -> Result<Metadata, FsError> {
        self.ask(|fs| fs.metadata(path))
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
        self.ask(|fs| fs.read_dir(path))
    }

    fn read_link(&self, path: &str) -> Result<String, FsError> {
        self.ask(|fs| fs.read_link(path))
    }

    fn open(&self, path: &str) -> Result<Arc<dyn BlockRead>, FsError> {
        self.ask(|fs| fs.open(path))
    }
}
