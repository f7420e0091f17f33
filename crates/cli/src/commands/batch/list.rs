//! Lists of machines, in TOML.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;

/// A longer list is none.
const MAX_BYTES: u64 = 16 << 20;
/// More machines than anybody moves at once.
const MAX_MACHINES: usize = 10_000;

/// A list, and the page that says what may be in it.
pub(in crate::commands) struct ListFile<'a> {
    pub(in crate::commands) path: &'a Path,
    pub(in crate::commands) page: &'static str,
}

/// The images or other files that a machine is made of.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged)]
pub(in crate::commands) enum OneOrMany {
    One(PathBuf),
    Many(Vec<PathBuf>),
}

impl OneOrMany {
    /// Where they are; paths start at a folder.
    pub(in crate::commands) fn at(&self, base: &Path) -> Vec<PathBuf> {
        match self {
            Self::One(one) => vec![base.join(one)],
            Self::Many(many) => many.iter().map(|path| base.join(path)).collect(),
        }
    }
}

impl ListFile<'_> {
    /// Reads it.
    pub(in crate::commands) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let failed = |error: anyhow::Error| {
            let error = error.context(self.path.display().to_string());
            Failure::cannot_tell(error, Some(self.hint()))
        };
        let text = self.text().map_err(|error| failed(error.into()))?;
        toml::from_str(&text).map_err(|error| failed(error.into()))
    }

    /// Where its paths start.
    pub(in crate::commands) fn base(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Makes the machines of its entries, and refuses two of one name.
    pub(in crate::commands) fn machines<E, M: super::Machine>(
        &self,
        entries: &[E],
        make: impl Fn(&E) -> Result<M, String>,
    ) -> Result<Vec<M>, Failure> {
        if entries.is_empty() || entries.len() > MAX_MACHINES {
            let count = entries.len();
            return Err(self.usage(format!(
                "{count} machines: a list has from 1 to {MAX_MACHINES}"
            )));
        }
        let mut all: Vec<M> = Vec::new();
        let mut folders = std::collections::BTreeSet::new();
        for entry in entries {
            let machine = make(entry).map_err(|what| self.usage(what))?;
            let folder = machine.folder();
            if !folders.insert(folder.to_owned()) {
                let folder = folder.display();
                return Err(self.usage(format!("two machines would both become {folder}")));
            }
            all.push(machine);
        }
        Ok(all)
    }

    fn usage(&self, what: String) -> Failure {
        Failure::usage(format!("{}: {what}", self.path.display()), &self.hint())
    }

    fn hint(&self) -> String {
        format!("{} says what is in a list", self.page)
    }

    fn text(&self) -> std::io::Result<String> {
        if std::fs::metadata(self.path)?.len() > MAX_BYTES {
            let kind = std::io::ErrorKind::InvalidData;
            return Err(std::io::Error::new(kind, "too long for a list of machines"));
        }
        std::fs::read_to_string(self.path)
    }
}

/// What a machine's folder is called: what its entry says, else as the first of its sources is.
pub(in crate::commands) fn folder_name(
    own: Option<&str>,
    sources: &[PathBuf],
) -> Result<String, String> {
    let first = sources.first().ok_or("a machine has no source")?;
    let stem = first.file_stem().and_then(|stem| stem.to_str());
    let name = own.or(stem).unwrap_or_default();
    let plain = Path::new(name).components().count() == 1 && Path::new(name).file_name().is_some();
    if plain && !name.starts_with('.') && !name.contains('/') {
        return Ok(name.to_owned());
    }
    let first = first.display();
    Err(format!("`out` of {first} is no plain name: {name:?}"))
}

/// What tells a machine of a list from what it was before: what is asked, and what the sources are.
pub(in crate::commands) fn job(asked: &impl Serialize, sources: &[PathBuf]) -> String {
    let mut digest = Sha256::new();
    digest.update(serde_json::to_vec(asked).expect("lists are JSON"));
    for source in sources {
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
    let digits = digest.finalize();
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}
