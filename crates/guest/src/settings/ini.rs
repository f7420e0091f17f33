//! `[Section]` and `key=value`: GLib's key files and systemd's units.

use super::{joined_lines, lines};
use crate::facts::{Evidence, Setting};

/// A file of sections.
#[derive(Debug, Default)]
pub(crate) struct Ini {
    pub(crate) sections: Vec<Section>,
}

/// A section: one heading, and what stands below it.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) entries: Vec<Setting>,
}

impl Ini {
    /// [Desktop Entry Specification], as GLib reads key files: comments begin with `#`.
    pub(crate) fn key_file(path: &str, text: &str) -> Self {
        let numbered = lines(text, &['#']).map(|(number, line)| (number, line.to_owned()));
        Self::of(path, numbered)
    }

    /// [systemd.syntax(7)]: comments begin with `#` or `;`, a `\` joins lines.
    pub(crate) fn systemd(path: &str, text: &str) -> Self {
        Self::of(path, joined_lines(text, &['#', ';']))
    }

    fn of(path: &str, numbered: impl IntoIterator<Item = (u32, String)>) -> Self {
        let mut sections: Vec<Section> = Vec::new();
        for (number, line) in numbered {
            if let Some(name) = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                sections.push(Section {
                    name: name.to_owned(),
                    entries: Vec::new(),
                });
            } else if let (Some(section), Some((key, value))) =
                (sections.last_mut(), line.split_once('='))
            {
                let at = Evidence::line(path, number);
                section
                    .entries
                    .push(Setting::new(key.trim(), value.trim(), at));
            }
        }
        Self { sections }
    }

    /// Adds what a later file says.
    pub(crate) fn extend(&mut self, later: Self) {
        self.sections.extend(later.sections);
    }

    /// All entries of the sections of one name, in order.
    pub(crate) fn entries<'a>(&'a self, section: &'a str) -> impl Iterator<Item = &'a Setting> {
        self.sections
            .iter()
            .filter(move |own| own.name == section)
            .flat_map(|own| &own.entries)
    }

    /// The values of a key, in order.
    pub(crate) fn all<'a>(
        &'a self,
        section: &'a str,
        key: &'a str,
    ) -> impl Iterator<Item = &'a Setting> {
        self.entries(section).filter(move |entry| entry.name == key)
    }

    /// The last value of a key.
    pub(crate) fn last(&self, section: &str, key: &str) -> Option<&Setting> {
        let sections = self.sections.iter().filter(|own| own.name == section);
        sections
            .flat_map(|own| &own.entries)
            .rfind(|entry| entry.name == key)
    }

    /// The last value of a key, as text.
    pub(crate) fn value(&self, section: &str, key: &str) -> Option<&str> {
        self.last(section, key).map(|entry| entry.value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keys_and_lines() {
        let text = "lost=1\n[a]\nk = v = w\n# c\n;d=1\nk=x \\\n  y\n[b]\nk=z\n[a]\nl=1\n";
        let unit = Ini::systemd("/u", text);
        assert_eq!(unit.value("a", "k"), Some("x y"));
        assert_eq!(unit.last("a", "k").unwrap().at, Evidence::line("/u", 6));
        assert_eq!(unit.all("a", "k").count(), 2);
        assert_eq!(unit.value("a", "l"), Some("1"));
        assert_eq!(unit.entries("lost").count(), 0);
        let keys = Ini::key_file("/k", text);
        assert_eq!(keys.value("a", "k"), Some("x \\"));
        assert_eq!(keys.value("a", ";d"), Some("1"));
    }
}
