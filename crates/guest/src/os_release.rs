//! os-release, and the files that older systems have in its place.

use std::collections::BTreeMap;

use detente_volume::FsError;

use crate::facts::{Family, OperatingSystem};
use crate::files::Files;

/// A longer file is none of these.
const MAX_BYTES: u64 = 64 * 1024;

/// The variables of an os-release file. [os-release(5)]: shell assignments, nothing else.
pub(crate) fn parse(text: &str) -> BTreeMap<String, String> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), unquote(value)))
        .collect()
}

fn unquote(value: &str) -> String {
    let single = value
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    if let Some(text) = single {
        return text.to_owned();
    }
    let text = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value);
    let mut plain = String::with_capacity(text.len());
    let mut escaped = false;
    for c in text.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            plain.push(c);
            escaped = false;
        }
    }
    plain
}

/// The operating system that these files are, if they are one.
pub(crate) fn find(files: Files<'_>) -> Result<Option<OperatingSystem>, FsError> {
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        let Some(bytes) = files.read(path, MAX_BYTES)? else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let fields = parse(&text);
        let id = fields
            .get("ID")
            .cloned()
            .unwrap_or_else(|| "linux".to_owned());
        let named = fields.get("PRETTY_NAME").or_else(|| fields.get("NAME"));
        return Ok(Some(OperatingSystem {
            pretty_name: named.cloned().unwrap_or_else(|| id.clone()),
            version_id: fields.get("VERSION_ID").cloned(),
            id,
            source: path.to_owned(),
            ..blank()
        }));
    }
    for (path, id) in [
        ("/etc/centos-release", "centos"),
        ("/etc/redhat-release", "rhel"),
        ("/etc/SuSE-release", "sles"),
        ("/etc/debian_version", "debian"),
        ("/etc/alpine-release", "alpine"),
    ] {
        let Some(bytes) = files.read(path, MAX_BYTES)? else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        return Ok(Some(from_release_line(
            path,
            id,
            text.lines().next().unwrap_or_default(),
        )));
    }
    Ok(None)
}

/// `Red Hat Enterprise Linux Server release 6.10 (Santiago)`, or a version alone.
fn from_release_line(path: &str, id: &str, line: &str) -> OperatingSystem {
    let line = line.trim();
    let is_version = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    let version = line.split_whitespace().find(is_version).map(str::to_owned);
    let pretty_name = if line.contains(' ') {
        line.to_owned()
    } else {
        format!("{id} {line}").trim().to_owned()
    };
    OperatingSystem {
        id: id.to_owned(),
        version_id: version,
        pretty_name,
        source: path.to_owned(),
        ..blank()
    }
}

fn blank() -> OperatingSystem {
    OperatingSystem {
        id: String::new(),
        version_id: None,
        pretty_name: String::new(),
        source: String::new(),
        family: Family::default(),
        id_like: Vec::new(),
        codename: None,
        variant_id: None,
        cpe: None,
        releases: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_with_and_without_quotes() {
        let text =
            "PRETTY_NAME=\"A \\\"B\\\" 12 (c)\"\nID=debian\n# ID=no\nVERSION_ID='12'\nbroken\n";
        let fields = parse(text);
        assert_eq!(fields["PRETTY_NAME"], "A \"B\" 12 (c)");
        assert_eq!(fields["ID"], "debian");
        assert_eq!(fields["VERSION_ID"], "12");
        assert_eq!(fields.len(), 3);
    }

    #[test]
    fn a_release_line_of_an_old_system() {
        let line = "Red Hat Enterprise Linux Server release 6.10 (Santiago)";
        let os = from_release_line("/etc/redhat-release", "rhel", line);
        assert_eq!(os.version_id.as_deref(), Some("6.10"));
        assert_eq!(os.pretty_name, line);
        let os = from_release_line("/etc/debian_version", "debian", "6.0.10");
        assert_eq!(os.pretty_name, "debian 6.0.10");
    }
}
