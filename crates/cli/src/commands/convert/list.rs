//! The list of a batch, in TOML.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use detente_machine::Gate;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Devices, DiskKind, Effect, Losing, Platform, Preparation, Wanted};
use crate::failure::Failure;

/// A longer list is none.
const MAX_BYTES: u64 = 16 << 20;
/// More machines than anybody moves at once.
const MAX_MACHINES: usize = 10_000;

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

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged)]
enum OneOrMany {
    One(PathBuf),
    Many(Vec<PathBuf>),
}

/// Reads a list. Paths in it start at its own folder.
pub(super) fn read(path: &Path, verify: bool) -> Result<Vec<Wanted>, Failure> {
    let failed = |error: anyhow::Error| {
        let hint = "docs/guide/convert.md says what is in a list".to_owned();
        Failure::cannot_tell(error.context(path.display().to_string()), Some(hint))
    };
    let text = text(path).map_err(|error| failed(error.into()))?;
    let list: List = toml::from_str(&text).map_err(|error| failed(error.into()))?;
    let usage = |what: String| {
        let hint = "docs/guide/convert.md says what is in a list";
        Failure::usage(format!("{}: {what}", path.display()), hint)
    };
    if list.machines.is_empty() || list.machines.len() > MAX_MACHINES {
        let what = format!(
            "{} machines: a list has from 1 to {MAX_MACHINES}",
            list.machines.len()
        );
        return Err(usage(what));
    }
    let base = path.parent().unwrap_or(Path::new("."));
    let mut all: Vec<Wanted> = Vec::new();
    for entry in &list.machines {
        let wanted = list.wanted(entry, base, verify).map_err(&usage)?;
        if let Some(twin) = all.iter().find(|own| own.destination == wanted.destination) {
            let what = format!(
                "two machines would both become {}",
                twin.destination.display()
            );
            return Err(usage(what));
        }
        all.push(wanted);
    }
    Ok(all)
}

fn text(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > MAX_BYTES {
        let kind = std::io::ErrorKind::InvalidData;
        return Err(std::io::Error::new(kind, "too long for a list of machines"));
    }
    std::fs::read_to_string(path)
}

impl List {
    fn wanted(&self, entry: &Entry, base: &Path, verify: bool) -> Result<Wanted, String> {
        let sources: Vec<PathBuf> = match &entry.source {
            OneOrMany::One(one) => vec![base.join(one)],
            OneOrMany::Many(many) => many.iter().map(|path| base.join(path)).collect(),
        };
        let first = sources.first().ok_or("a machine has no source")?;
        let stem = first.file_stem().and_then(|stem| stem.to_str());
        let name = entry.out.as_deref().or(stem).unwrap_or_default();
        let plain =
            Path::new(name).components().count() == 1 && Path::new(name).file_name().is_some();
        if !plain || name.starts_with('.') {
            return Err(format!(
                "`out` of {} is no plain name: {name:?}",
                first.display()
            ));
        }
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
        wanted.job = Some(job(entry, &wanted));
        Ok(wanted)
    }
}

/// What tells a machine of a list from what it was before: what is asked, and what the sources are.
fn job(entry: &Entry, wanted: &Wanted) -> String {
    let mut digest = Sha256::new();
    let entry = serde_json::to_vec(entry).expect("lists are JSON");
    digest.update(entry);
    digest.update(wanted.to.name());
    for (from, to) in &wanted.networks {
        digest.update(format!("\0{from}\0{to}"));
    }
    for source in &wanted.sources {
        let state = std::fs::metadata(source).ok().map(|meta| {
            let changed = meta
                .modified()
                .ok()
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            // What lies in a folder is known when it is read.
            let len = if meta.is_dir() { 0 } else { meta.len() };
            (len, changed.filter(|_| !meta.is_dir()))
        });
        digest.update(format!("\0{}\0{state:?}", source.display()));
    }
    digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
