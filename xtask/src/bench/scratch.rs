//! A folder for the files of a measurement, gone afterwards.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::workspace::target;

/// A folder below `target`, where the images are too: the same file system for both sides.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> anyhow::Result<Self> {
        let path = target("bench").join(std::process::id().to_string());
        std::fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// A folder inside, new and empty.
    pub(super) fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.0.join(name);
        std::fs::create_dir(&path).with_context(|| path.display().to_string())?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is below `target`, where nobody misses it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
