//! What is done to names in a folder, one call a change, so that a test can cut it short anywhere.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use detente_copy::rename_new;

/// What is done to names.
pub(crate) trait Names {
    /// Gives `from` the name `to`, which nothing has.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives `from` the name `to`, whatever had it before.
    fn rename_over(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name.
    fn link(&self, file: &Path, also: &Path) -> io::Result<()>;

    /// Takes a name away.
    fn unlink(&self, file: &Path) -> io::Result<()>;

    /// Writes a file that lasts.
    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Makes the names in a folder last.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Removes a folder with all that is in it.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;
}

/// This machine's file systems.
#[derive(Debug, Clone, Copy)]
pub(crate) struct System;

impl Names for System {
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        rename_new(from, to)
    }

    fn rename_over(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, file: &Path, also: &Path) -> io::Result<()> {
        fs::hard_link(file, also)
    }

    fn unlink(&self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut new = File::create(file)?;
        new.write_all(bytes)?;
        new.sync_all()
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir_all(folder)
    }
}

/// Whether something has this name.
pub(crate) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether two names are of one file.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    let number = |path: &Path| fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino()));
    matches!((number(one), number(other)), (Ok(one), Ok(other)) if one == other)
}
