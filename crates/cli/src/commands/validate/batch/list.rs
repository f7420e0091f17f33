//! The list of a batch, in TOML.

use std::path::{Path, PathBuf};

use detente_machine::Profile;
use serde::{Deserialize, Serialize};

use super::super::one::Asked;
use super::Job;
use crate::commands::batch::list::{ListFile, OneOrMany, folder_name, job};
use crate::failure::Failure;

/// Machines to validate, and what holds for all of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    /// The folder of the results.
    out: PathBuf,
    /// Folders that images may name files in.
    #[serde(default)]
    allow_path: Vec<PathBuf>,
    /// The hardware; without it, what the command line says.
    #[serde(default)]
    profiles: Vec<String>,
    #[serde(default, rename = "machine")]
    machines: Vec<Entry>,
}

/// One machine.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// What to validate; several disks as a list, the boot disk first.
    source: OneOrMany,
    /// The new folder's name; without it, that of the first disk.
    #[serde(default)]
    out: Option<String>,
    /// The hardware of this one.
    #[serde(default)]
    profiles: Option<Vec<String>>,
}

/// Reads a list. Paths in it start at its own folder.
pub(super) fn read<'a>(
    path: &Path,
    asked: &'a Asked,
    profiles: &[Profile],
    allow_path: &[PathBuf],
) -> Result<Vec<Job<'a>>, Failure> {
    let file = ListFile {
        path,
        page: "docs/guide/validate.md",
    };
    let list: List = file.read()?;
    file.machines(&list.machines, |entry| {
        let images = entry.source.at(file.base());
        let folder = folder_name(entry.out.as_deref(), &images)?;
        let own = list.allow_path.iter().map(|path| file.base().join(path));
        let named = entry.profiles.as_ref().unwrap_or(&list.profiles);
        let profiles = parsed(named, profiles)?;
        let names: Vec<_> = profiles.iter().map(|profile| profile.name()).collect();
        Ok(Job {
            asked,
            job: job(&(entry, names, asked.name()), &images),
            images,
            allow_path: own.chain(allow_path.iter().cloned()).collect(),
            profiles,
            folder: file.base().join(&list.out).join(folder),
        })
    })
}

/// The profiles of these names, or those that the command line says.
fn parsed(names: &[String], otherwise: &[Profile]) -> Result<Vec<Profile>, String> {
    if names.is_empty() {
        return Ok(otherwise.to_vec());
    }
    let parse = |name: &String| {
        let parsed: Result<Profile, detente_machine::UnknownProfile> = name.parse();
        parsed.map_err(|error| error.to_string())
    };
    names.iter().map(parse).collect()
}
