//! Where the workspace is, and what its folders are called.

use std::path::{Path, PathBuf};

/// The folder of the root `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a folder of the workspace")
}

/// `target/NAME` in the workspace.
pub(crate) fn target(name: &str) -> PathBuf {
    root().join("target").join(name)
}
