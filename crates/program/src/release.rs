//! Guest releases, and the words by which documents mean them.

/// A guest's release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guest {
    /// A Linux distribution.
    Linux {
        /// `ID` of os-release: `rhel`.
        id: String,
        /// `VERSION_ID`: `9.4`.
        version: String,
    },
    /// Windows.
    Windows {
        /// Its name in the facts: `ws2022`.
        id: String,
    },
}

impl Guest {
    /// A Linux distribution, as its os-release says.
    #[must_use]
    pub fn linux(id: &str, version: &str) -> Self {
        // SUSE counts its first release as 15 and 15.0 alike.
        let version = if id == "sles" && !version.contains('.') {
            format!("{version}.0")
        } else {
            version.to_owned()
        };
        Self::Linux {
            id: id.to_owned(),
            version,
        }
    }

    /// A Windows release, as the facts call it.
    #[must_use]
    pub fn windows(id: &str) -> Self {
        Self::Windows { id: id.to_owned() }
    }
}

/// Whether a version is, or is below, the one that a document names: 9.4 is below 9.
pub(crate) fn covers(named: &str, version: &str) -> bool {
    version
        .strip_prefix(named)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether words such as `rhel7-9`, `sles15sp5+ and 16` or `rhel6.9+, rhel7.3+` mean a release;
/// `None` if they are not understood.
pub(crate) fn means(words: &str, id: &str, version: &str) -> Option<bool> {
    let mut name = String::new();
    let mut found = false;
    for term in words.split(", ").flat_map(|part| part.split(" and ")) {
        let term = term.trim();
        let start = term.find(|c: char| c.is_ascii_digit());
        let (letters, numbers) = term.split_at(start.unwrap_or(term.len()));
        if !letters.is_empty() {
            letters
                .trim()
                .trim_end_matches("-stream")
                .clone_into(&mut name);
        }
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase()) {
            return None;
        }
        found |= name == id && (numbers.is_empty() || range(numbers)?.holds(version)?);
    }
    Some(found)
}

/// Versions from one to another.
struct Range {
    first: Version,
    last: Option<Version>,
    open: bool,
}

/// A major version, and a minor one where it is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    major: u32,
    minor: Option<u32>,
}

fn range(text: &str) -> Option<Range> {
    let (text, open) = match text.strip_suffix('+') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (first, Some(version(last)?)),
        None => (text, None),
    };
    let first = version(first)?;
    Some(Range { first, last, open })
}

/// `9`, `9.4`, `15sp5`, `15 SP5`.
fn version(text: &str) -> Option<Version> {
    let text = text
        .to_ascii_lowercase()
        .replace(" sp", ".")
        .replace("sp", ".");
    let (major, minor) = match text.split_once('.') {
        Some((major, minor)) => (major, Some(minor.parse().ok()?)),
        None => (text.as_str(), None),
    };
    let major = major.trim().parse().ok()?;
    Some(Version { major, minor })
}

impl Range {
    fn holds(&self, text: &str) -> Option<bool> {
        let own = version(text)?;
        let from = own.major > self.first.major
            || (own.major == self.first.major && own.minor >= self.first.minor);
        Some(match (self.last, self.open, self.first.minor) {
            (Some(last), _, _) => {
                let until = own.major < last.major
                    || (own.major == last.major
                        && last
                            .minor
                            .is_none_or(|last| own.minor.is_some_and(|own| own <= last)));
                from && until
            }
            // `9.6+` is about 9 alone; `6+` is about all that follow.
            (None, true, Some(_)) => from && own.major == self.first.major,
            (None, true, None) => from,
            (None, false, Some(_)) => own == self.first,
            (None, false, None) => own.major == self.first.major,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::data;

    fn check(words: &str, id: &str, version: &str, expect: bool) {
        assert_eq!(
            means(words, id, version),
            Some(expect),
            "{words}: {id} {version}"
        );
    }

    #[test]
    fn words_mean_releases() {
        check("rhel9", "rhel", "9.4", true);
        check("rhel9", "rhel", "10.0", false);
        check("rhel7-9", "rhel", "8.10", true);
        check("rhel7-9", "rhel", "10.0", false);
        check("rhel7-9", "debian", "8", false);
        check("sles15sp5+ and 16", "sles", "15.6", true);
        check("sles15sp5+ and 16", "sles", "15.4", false);
        check("sles15sp5+ and 16", "sles", "16.0", true);
        check("ubuntu18.04-25.04", "ubuntu", "24.04", true);
        check("ubuntu18.04-25.04", "ubuntu", "25.10", false);
        check("rhel5.11+, rhel6.9+, rhel7.3+", "rhel", "7.2", false);
        check("rhel5.11+, rhel6.9+, rhel7.3+", "rhel", "7.9", true);
        check("rhel3.9+, rhel4.8+, rhel5.3+, rhel6+", "rhel", "9.1", true);
        check("debian", "debian", "12", true);
        check("sles 12 SP5, sles 15 SP2", "sles", "15.2", true);
        check("rhel 8.5", "rhel", "8.6", false);
    }

    #[test]
    fn the_words_of_all_records_are_understood() {
        let pairs = data().kvm.records.iter().map(|own| &own.guest);
        let said = data().hyperv.vendor_support.iter().map(|own| &own.guest);
        for words in pairs.chain(said) {
            assert!(means(words, "rhel", "9.4").is_some(), "{words}");
        }
    }

    #[test]
    fn a_minor_release_is_below_its_major_one() {
        assert!(covers("9", "9.4") && covers("9", "9") && covers("20.04", "20.04"));
        assert!(!covers("9", "90") && !covers("8.1", "8.10"));
    }
}
