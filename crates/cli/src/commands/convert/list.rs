//! The list of a batch, in TOML.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use detente_machine::Gate;
use serde::{Deserialize, Serialize};

use super::{Devices, DiskKind, Effect, Losing, Platform, Preparation, Wanted};
use crate::commands::batch::list::{ListFile, OneOrMany, folder_name, job};
use crate::failure::Failure;

/// Machines to convert, and what holds for all of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    /// What the results are for.
    #[serde(default)]
    to: Option<Platform>,
    /// The folder of the results.
    #[serde(default)]
    out: Option<PathBuf>,
    /// Folders that images and definitions may name files in.
    #[serde(default)]
    allow_path: Vec<PathBuf>,
    /// Networks that take the place of others.
    #[serde(default)]
    networks: BTreeMap<String, String>,
    /// Whether nothing may be lost.
    #[serde(default)]
    strict: bool,
    #[serde(default, rename = "machine")]
    machines: Vec<Entry>,
}

/// One machine.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// What to convert; several disks as a list.
    source: OneOrMany,
    /// The new folder's name; without it, that of the source.
    #[serde(default)]
    out: Option<String>,
    #[serde(default)]
    to: Option<Platform>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    machine: Option<String>,
    #[serde(default)]
    configuration: Option<String>,
    #[serde(default)]
    networks: BTreeMap<String, String>,
    #[serde(default)]
    disk_format: DiskKind,
    #[serde(default)]
    devices: Devices,
    #[serde(default)]
    processors: Option<u32>,
    #[serde(default)]
    memory_mib: Option<u64>,
    #[serde(default)]
    accept: Vec<Gate>,
    /// Whether the guest is prepared first.
    #[serde(default)]
    prepare: bool,
    /// What it is prepared for.
    #[serde(default)]
    profiles: Vec<String>,
}

/// Reads a list. Paths in it start at its own folder.
pub(super) fn read(path: &Path, verify: bool) -> Result<Vec<Wanted>, Failure> {
    let file = ListFile {
        path,
        page: "docs/guide/convert.md",
    };
    let list: List = file.read()?;
    file.machines(&list.machines, |entry| {
        list.wanted(entry, file.base(), verify)
    })
}

impl List {
    fn wanted(&self, entry: &Entry, base: &Path, verify: bool) -> Result<Wanted, String> {
        let sources = entry.source.at(base);
        let name = folder_name(entry.out.as_deref(), &sources)?;
        let to = entry
            .to
            .or(self.to)
            .ok_or("`to` says what the results are for")?;
        let out = self.out.as_ref().ok_or("`out` says where the results go")?;
        let mut networks = self.networks.clone();
        networks.extend(entry.networks.clone());
        let mut wanted = Wanted {
            destination: base.join(out).join(name),
            sources,
            to,
            name: entry.name.clone(),
            machine: entry.machine.clone(),
            configuration: entry.configuration.clone(),
            networks: networks.into_iter().collect(),
            disk_format: entry.disk_format,
            devices: entry.devices,
            processors: entry.processors,
            memory_mib: entry.memory_mib,
            accept: entry.accept.clone(),
            losses: if self.strict {
                Losing::Refused
            } else {
                Losing::Reported
            },
            effect: Effect::Made,
            preparation: match entry.prepare {
                true => Preparation::First,
                false => Preparation::Skipped,
            },
            profiles: entry.profiles.clone(),
            verify,
            allow_path: self.allow_path.iter().map(|path| base.join(path)).collect(),
            job: None,
        };
        wanted.job = Some(job(&(entry, wanted.to, &wanted.networks), &wanted.sources));
        Ok(wanted)
    }
}
