//! The command line of the entry that boots, as settings.

use crate::command_line;
use crate::facts::{DefaultEntry, Evidence, Place, Setting};

/// The arguments of the default entry, and where they are written.
#[derive(Debug)]
pub(crate) struct Arguments(Vec<Setting>);

impl Arguments {
    /// Those of the entry that boots, which is written in `config`; none if there is no such entry.
    pub(crate) fn of(entry: Option<&DefaultEntry>, config: Option<&Place>) -> Self {
        let line = entry.and_then(|entry| entry.command_line.as_deref());
        let path = config.map_or("", |place| &place.path);
        Self::parse(line.unwrap_or_default(), &Evidence::path(path))
    }

    /// Those of a command line.
    pub(crate) fn parse(line: &str, at: &Evidence) -> Self {
        let setting = |(name, value): (String, Option<String>)| {
            Setting::new(name, value.unwrap_or_default(), at.clone())
        };
        Self(
            command_line::parameters(line)
                .into_iter()
                .map(setting)
                .collect(),
        )
    }

    /// Those of these names, in order.
    pub(crate) fn named(&self, names: &[&str]) -> Vec<Setting> {
        let wanted = |own: &&Setting| names.contains(&own.name.as_str());
        self.0.iter().filter(wanted).cloned().collect()
    }

    /// The last one of a name, which is the one that counts.
    pub(crate) fn last(&self, name: &str) -> Option<&Setting> {
        self.0.iter().rev().find(|own| own.name == name)
    }

    /// All.
    pub(crate) fn all(&self) -> &[Setting] {
        &self.0
    }
}
