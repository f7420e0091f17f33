//! The only reader of the process's environment.

use std::path::PathBuf;

/// The folders that `PATH` names.
pub(crate) fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default()
}
