//! The only reader of the process's environment.

use std::env;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::Failure;

/// The folders that `PATH` names.
pub(crate) fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect())
        .unwrap_or_default()
}

/// The folder of all runs, below the state folder of the XDG base directory specification.
pub(crate) fn runs_folder() -> Option<PathBuf> {
    let set = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    Some(state?.join("detente/runs"))
}

/// A new folder's path for a run.
pub(crate) fn new_run_folder() -> Result<PathBuf, Failure> {
    let Some(runs) = runs_folder() else {
        return Err(Failure::usage(
            "neither XDG_STATE_HOME nor HOME is set".to_owned(),
            "name a folder with --out",
        ));
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Ok(runs.join(format!("run-{}", now.as_millis())))
}
