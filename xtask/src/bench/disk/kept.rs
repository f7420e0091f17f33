//! Rows that were measured before, kept until all of them are: a whole run takes most of an hour.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::table::Measured;
use crate::bench::program;
use crate::workspace::target;

/// What was measured with one program.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// SHA-256 of the program: rows of another one do not belong here.
    program: String,
    rows: BTreeMap<String, Measured>,
}

impl Kept {
    /// What was kept of the program that is there now.
    pub(super) fn load() -> anyhow::Result<Self> {
        let file = program("detente");
        let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
        let program: String = Sha256::digest(bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let kept = std::fs::read_to_string(path()).ok();
        let kept: Option<Self> = kept.and_then(|text| serde_json::from_str(&text).ok());
        Ok(kept.filter(|kept| kept.program == program).unwrap_or(Self {
            program,
            rows: BTreeMap::new(),
        }))
    }

    /// Adds what was measured now.
    pub(super) fn add(&mut self, measured: Measured) -> anyhow::Result<()> {
        self.rows.insert(measured.id().to_owned(), measured);
        let path = path();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, serde_json::to_string_pretty(self)?)
            .with_context(|| path.display().to_string())
    }

    /// All of `ids`, or those that are not there.
    pub(super) fn take(mut self, ids: &[&str]) -> Result<Vec<Measured>, Vec<String>> {
        let missing = |id: &&&str| !self.rows.contains_key(**id);
        let missing: Vec<String> = ids
            .iter()
            .filter(missing)
            .map(|id| (*id).to_owned())
            .collect();
        if !missing.is_empty() {
            return Err(missing);
        }
        Ok(ids.iter().filter_map(|id| self.rows.remove(*id)).collect())
    }
}

fn path() -> PathBuf {
    target("bench").join("disk-rows.json")
}
