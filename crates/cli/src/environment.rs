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
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
    Some(state?.join("detente/runs"))
}

/// Our folder for what can be fetched again.
pub(crate) fn cache_folder() -> Result<PathBuf, Failure> {
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    let cache = cache.ok_or_else(|| nowhere("XDG_CACHE_HOME"))?;
    Ok(cache.join("detente"))
}

/// Our folder for sockets: below the user's runtime folder, or where there is none (no login
/// session), below the cache folder.
pub(crate) fn runtime_folder() -> Result<PathBuf, Failure> {
    match folder("XDG_RUNTIME_DIR") {
        Some(runtime) => Ok(runtime.join("detente")),
        None => Ok(cache_folder()?.join("run")),
    }
}

/// A folder that a variable names; relative ones do not count (XDG base directory specification).
fn folder(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

fn nowhere(name: &str) -> Failure {
    Failure::usage(
        format!("neither {name} nor HOME is set"),
        "set one of them to a folder of yours",
    )
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
