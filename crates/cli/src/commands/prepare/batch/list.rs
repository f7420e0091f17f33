//! The list of a batch, in TOML.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::one::Wanted;
use super::Job;
use crate::commands::batch::list::{ListFile, OneOrMany, folder_name, job};
use crate::commands::image::target::TargetFormat;
use crate::failure::Failure;

/// Machines to prepare, and what holds for all of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    /// The folder of the results.
    #[serde(default)]
    out: Option<PathBuf>,
    /// Folders that images may name files in.
    #[serde(default)]
    allow_path: Vec<PathBuf>,
    /// The hardware; without it, both sides'.
    #[serde(default)]
    profiles: Vec<String>,
    /// A folder of packages that may be installed.
    #[serde(default)]
    packages: Option<PathBuf>,
    /// The format of the new disks; without it, that of each image.
    #[serde(default)]
    format: Option<TargetFormat>,
    #[serde(default, rename = "machine")]
    machines: Vec<Entry>,
}

/// One machine.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// What to prepare; several disks as a list, the boot disk first.
    source: OneOrMany,
    /// The new folder's name; without it, that of the first disk.
    #[serde(default)]
    out: Option<String>,
    /// The hardware of this one.
    #[serde(default)]
    profiles: Option<Vec<String>>,
    /// The addresses of its cards: `eth0=52:54:00:12:34:56`.
    #[serde(default)]
    macs: Vec<String>,
    /// The format of its new disks.
    #[serde(default)]
    format: Option<TargetFormat>,
}

/// Reads a list. Paths in it start at its own folder.
pub(super) fn read(
    path: &Path,
    wanted: &dyn Fn(Vec<PathBuf>) -> Wanted,
) -> Result<Vec<Job>, Failure> {
    let file = ListFile {
        path,
        page: "docs/guide/prepare.md",
    };
    let list: List = file.read()?;
    file.machines(&list.machines, |entry| {
        let images = entry.source.at(file.base());
        list.machine(entry, file.base(), wanted(images))
    })
}

impl List {
    fn machine(&self, entry: &Entry, base: &Path, asked: Wanted) -> Result<Job, String> {
        let folder = folder_name(entry.out.as_deref(), &asked.images)?;
        let out = self.out.as_ref().ok_or("`out` says where the results go")?;
        let format = entry.format.or(self.format);
        let wanted = Wanted {
            allow_path: self.allow_path.iter().map(|path| base.join(path)).collect(),
            profiles: entry.profiles.as_ref().unwrap_or(&self.profiles).clone(),
            macs: entry.macs.clone(),
            packages: self.packages.as_ref().map(|path| base.join(path)),
            ..asked
        };
        let job = job(
            &(entry, format, &wanted.profiles, &self.packages),
            &wanted.images,
        );
        Ok(Job {
            name: disk_name(&wanted.images, format)?,
            folder: base.join(out).join(folder),
            target: format.map(TargetFormat::target),
            wanted,
            job,
        })
    }
}

/// One disk keeps its name, with the ending of its format; several keep theirs in a folder.
fn disk_name(images: &[PathBuf], format: Option<TargetFormat>) -> Result<String, String> {
    let [image] = images else {
        return Ok("disks".to_owned());
    };
    let named = match format {
        Some(format) => image.with_extension(format.extension()),
        None => image.clone(),
    };
    let name = named.file_name().and_then(OsStr::to_str);
    name.map(str::to_owned)
        .ok_or_else(|| format!("{} names no image", image.display()))
}
