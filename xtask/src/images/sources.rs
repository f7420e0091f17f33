//! Where Debian's packages come from: the sources that this machine's apt has,
//! as far as they are Debian's own; third parties' are left alone.
//!
//! A machine without any (another distribution, say) leaves the choice to
//! mmdebstrap.

use std::fs;
use std::path::Path;

/// Debian's own sources for `suite`, in the one-line format, or none.
pub(crate) fn of_this_machine(suite: &str) -> Option<String> {
    let mut files = vec![Path::new("/etc/apt/sources.list").to_path_buf()];
    if let Ok(folder) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(folder.flatten().map(|entry| entry.path()));
    }
    files.sort();
    let mut lines: Vec<String> = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let found = match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => one_line_sources(&text, suite),
            Some("sources") => stanza_sources(&text, suite),
            Some(_) | None => Vec::new(),
        };
        lines.extend(found);
    }
    // The suite itself must be among them; updates alone make no system.
    let complete = lines
        .iter()
        .any(|line| line.contains(&format!(" {suite} ")));
    complete.then(|| lines.join("\n") + "\n")
}

/// One archive and suite.
struct Source<'a> {
    uri: &'a str,
    suite: &'a str,
    components: Vec<&'a str>,
    enabled: bool,
}

impl Source<'_> {
    /// The one-line form if this is an archive of Debian itself for `wanted`.
    fn line(&self, wanted: &str) -> Option<String> {
        let path = self.uri.trim_end_matches('/');
        let archive = path.ends_with("/debian") || path.ends_with("/debian-security");
        let suites = [
            wanted.to_owned(),
            format!("{wanted}-updates"),
            format!("{wanted}-security"),
        ];
        let suite = suites.iter().any(|suite| suite == self.suite);
        let ours = archive && suite && self.enabled && self.components.contains(&"main");
        ours.then(|| format!("deb {} {} main", self.uri, self.suite))
    }
}

fn one_line_sources(text: &str, wanted: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| one_line(line)?.line(wanted))
        .collect()
}

/// `deb [options] URI SUITE COMPONENT...`
fn one_line(line: &str) -> Option<Source<'_>> {
    let mut rest = line
        .split('#')
        .next()?
        .trim()
        .strip_prefix("deb ")?
        .trim_start();
    if rest.starts_with('[') {
        rest = rest.split_once(']')?.1;
    }
    let mut words = rest.split_whitespace();
    Some(Source {
        uri: words.next()?,
        suite: words.next()?,
        components: words.collect(),
        enabled: true,
    })
}

/// The deb822 format: fields in stanzas that an empty line ends.
fn stanza_sources(text: &str, wanted: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines
        .split(|line| line.trim().is_empty())
        .flat_map(|stanza| stanza_lines(stanza, wanted))
        .collect()
}

fn stanza_lines(stanza: &[&str], wanted: &str) -> Vec<String> {
    let field = |name: &str| -> Vec<&str> {
        let found = stanza.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value)
        });
        found.unwrap_or_default().split_whitespace().collect()
    };
    let enabled = field("Enabled") != ["no"] && field("Types").contains(&"deb");
    let mut lines = Vec::new();
    for uri in field("URIs") {
        for suite in field("Suites") {
            let source = Source {
                uri,
                suite,
                components: field("Components"),
                enabled,
            };
            lines.extend(source.line(wanted));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{one_line_sources, stanza_sources};

    #[test]
    fn debians_own_stanzas_are_taken() {
        let text = "Types: deb\n# a comment\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n\
                    Components: main contrib\nSigned-By: /key.gpg\n\nTypes: deb\n\
                    URIs: http://mirror.example/debian-security/\nSuites: bookworm-security\nComponents: main\n";
        let expected = [
            "deb http://mirror.example/debian bookworm main",
            "deb http://mirror.example/debian bookworm-updates main",
            "deb http://mirror.example/debian-security/ bookworm-security main",
        ];
        assert_eq!(stanza_sources(text, "bookworm"), expected);
    }

    #[test]
    fn third_parties_other_suites_and_disabled_stanzas_are_not() {
        let stanza = |uri: &str, suite: &str, more: &str| {
            format!("Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: main\n{more}")
        };
        for text in [
            stanza("https://deb.example/node_20.x", "bookworm", ""),
            stanza("http://mirror.example/debian", "trixie", ""),
            stanza("http://mirror.example/debian", "bookworm", "Enabled: no\n"),
            stanza("http://mirror.example/debian", "bookworm", "")
                .replace("Types: deb", "Types: deb-src"),
        ] {
            assert!(stanza_sources(&text, "bookworm").is_empty(), "{text}");
        }
    }

    #[test]
    fn one_line_entries_are_taken_with_their_options_left_out() {
        let text = "# deb http://old.example/debian bookworm main\n\
                    deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib\n\
                    deb-src http://mirror.example/debian bookworm main\n\
                    deb https://repo.example/apt bookworm stable\n";
        assert_eq!(
            one_line_sources(text, "bookworm"),
            ["deb http://mirror.example/debian bookworm main"]
        );
    }
}
