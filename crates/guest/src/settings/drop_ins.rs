//! Folders of configuration files, where one name hides another and a link to nothing switches off.

use std::collections::BTreeMap;

use detente_volume::FsError;

use crate::files::Files;

/// More files than any folder of configuration has.
const MAX_FILES: usize = 512;

/// The files of all folders that end in `suffix`, sorted by name; of two with the same name the
/// one in the earlier folder counts. Links to `/dev/null` are there too: see [`is_masked`].
pub(crate) fn overridden(
    files: Files<'_>,
    folders: &[&str],
    suffix: &str,
) -> Result<Vec<String>, FsError> {
    let mut found = BTreeMap::new();
    for folder in folders {
        for name in files.list(folder)? {
            if name.ends_with(suffix) && found.len() < MAX_FILES {
                let path = format!("{folder}/{name}");
                found.entry(name).or_insert(path);
            }
        }
    }
    Ok(found.into_values().collect())
}

/// The files of one folder that end in `suffix`, sorted, without hidden ones and leftovers.
pub(crate) fn folder(files: Files<'_>, folder: &str, suffix: &str) -> Result<Vec<String>, FsError> {
    let names = files.list(folder)?.into_iter();
    Ok(names
        .filter(|name| name.ends_with(suffix) && !is_leftover(name))
        .take(MAX_FILES)
        .map(|name| format!("{folder}/{name}"))
        .collect())
}

/// Whether a path is a link to `/dev/null`.
pub(crate) fn is_masked(files: Files<'_>, path: &str) -> Result<bool, FsError> {
    Ok(files.link(path)?.is_some_and(|target| {
        target.trim_start_matches("../").trim_start_matches('/') == "dev/null"
    }))
}

/// What editors and package managers leave behind.
pub(crate) fn is_leftover(name: &str) -> bool {
    let ends = [
        "~",
        ".bak",
        ".orig",
        ".old",
        ".rej",
        ".swp",
        ".tmp",
        ".rpmnew",
        ".rpmorig",
        ".rpmsave",
        ".dpkg-old",
        ".dpkg-new",
        ".dpkg-dist",
        ".dpkg-bak",
    ];
    name.starts_with(['.', '#']) || ends.iter().any(|end| name.ends_with(end))
}

/// The text behind the last `/`.
pub(crate) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
