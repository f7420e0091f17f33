//! What a source says and the neutral definition has no word for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What sources say beyond the neutral definition: by source (`libvirt`, `hyperv`, `ovf`), then by
/// the source's own name for it. Values are opaque to everybody else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Extensions(BTreeMap<String, BTreeMap<String, Value>>);

impl Extensions {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.values().all(BTreeMap::is_empty)
    }

    /// Keeps what a source says; what was there under the same name is replaced.
    pub fn insert(&mut self, source: &str, name: impl Into<String>, value: impl Into<Value>) {
        let own = self.0.entry(source.to_owned()).or_default();
        own.insert(name.into(), value.into());
    }

    /// What a source says under a name.
    #[must_use]
    pub fn get(&self, source: &str, name: &str) -> Option<&Value> {
        self.0.get(source)?.get(name)
    }

    /// Everything of one source, in the order of the names.
    pub fn of<'a>(&'a self, source: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        let own = self.0.get(source).into_iter().flatten();
        own.map(|(name, value)| (name.as_str(), value))
    }

    /// Everything, with its source.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.0.iter().flat_map(|(source, own)| {
            own.iter()
                .map(move |(name, value)| (source.as_str(), name.as_str(), value))
        })
    }
}
