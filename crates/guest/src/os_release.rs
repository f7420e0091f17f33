//! os-release, and the files that older systems have in its place.

use std::collections::BTreeMap;

use detente_volume::FsError;

use crate::facts::{Family, OperatingSystem, ReleaseFile};
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
    let mut found = None;
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        if let (None, Some(text)) = (&found, text(files, path)?) {
            found = Some(from_os_release(path, &text));
        }
    }
    let releases = releases(files)?;
    let found = found.or_else(|| releases.iter().find_map(from_release));
    let Some(mut system) = found else {
        return Ok(None);
    };
    if system.cpe.is_none() {
        let cpe = text(files, "/etc/system-release-cpe")?;
        system.cpe = cpe
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
    }
    if let Some(level) = patch_level(files, &system)? {
        system.version_id = Some(level);
    }
    system.family = family(&system);
    system.releases = releases;
    Ok(Some(system))
}

fn text(files: Files<'_>, path: &str) -> Result<Option<String>, FsError> {
    let bytes = files.read(path, MAX_BYTES)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn from_os_release(path: &str, text: &str) -> OperatingSystem {
    let mut fields = parse(text);
    let mut take = |name: &str| fields.remove(name).filter(|value| !value.is_empty());
    let id = take("ID").unwrap_or_else(|| "linux".to_owned());
    let named = take("PRETTY_NAME").or_else(|| take("NAME"));
    let like = take("ID_LIKE").unwrap_or_default();
    OperatingSystem {
        pretty_name: named.unwrap_or_else(|| id.clone()),
        version_id: take("VERSION_ID"),
        source: path.to_owned(),
        id_like: like.split_whitespace().map(str::to_owned).collect(),
        codename: take("VERSION_CODENAME"),
        variant_id: take("VARIANT_ID"),
        cpe: take("CPE_NAME"),
        id,
        ..blank()
    }
}

/// Older files, the most telling first: a rebuild keeps Red Hat's name in `redhat-release`.
const RELEASES: [(&str, &str); 14] = [
    ("/etc/oracle-release", "ol"),
    ("/etc/centos-release", "centos"),
    ("/etc/rocky-release", "rocky"),
    ("/etc/almalinux-release", "almalinux"),
    ("/etc/fedora-release", "fedora"),
    ("/etc/redhat-release", "rhel"),
    ("/etc/system-release", "linux"),
    ("/etc/SuSE-release", "sles"),
    ("/etc/lsb-release", "linux"),
    ("/etc/debian_version", "debian"),
    ("/etc/alpine-release", "alpine"),
    ("/etc/arch-release", "arch"),
    ("/etc/gentoo-release", "gentoo"),
    ("/etc/slackware-version", "slackware"),
];

fn releases(files: Files<'_>) -> Result<Vec<ReleaseFile>, FsError> {
    let mut all = Vec::new();
    for (path, _) in RELEASES {
        if let Some(text) = text(files, path)? {
            let line = text.lines().next().unwrap_or_default().trim();
            all.push(ReleaseFile {
                path: path.to_owned(),
                line: line.chars().take(256).collect(),
            });
        }
    }
    Ok(all)
}

/// `Red Hat Enterprise Linux Server release 6.10 (Santiago)`, or a version alone.
fn from_release(file: &ReleaseFile) -> Option<OperatingSystem> {
    let (_, id) = RELEASES.iter().find(|(path, _)| *path == file.path)?;
    // Two of them say nothing that is not in the others: LSB's is no line of text.
    let id = named(&file.line).unwrap_or(id);
    if id == "linux" {
        return None;
    }
    let is_version = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    let version = file.line.split_whitespace().find(is_version);
    let pretty_name = if file.line.contains(' ') {
        file.line.clone()
    } else {
        format!("{id} {}", file.line).trim().to_owned()
    };
    Some(OperatingSystem {
        id: id.to_owned(),
        version_id: version.map(str::to_owned),
        pretty_name,
        source: file.path.clone(),
        ..blank()
    })
}

/// The name at the beginning of a release line, as `ID` would have it.
fn named(line: &str) -> Option<&'static str> {
    [
        ("Red Hat", "rhel"),
        ("CentOS", "centos"),
        ("Oracle", "ol"),
        ("Scientific", "scientific"),
        ("Fedora", "fedora"),
        ("Rocky", "rocky"),
        ("AlmaLinux", "almalinux"),
        ("Amazon", "amzn"),
        ("SUSE Linux Enterprise", "sles"),
        ("openSUSE", "opensuse"),
    ]
    .into_iter()
    .find_map(|(start, id)| line.starts_with(start).then_some(id))
}

/// SLES 11 has its service pack in a line of its own: `PATCHLEVEL = 4`.
fn patch_level(files: Files<'_>, system: &OperatingSystem) -> Result<Option<String>, FsError> {
    if system.source != "/etc/SuSE-release" {
        return Ok(None);
    }
    let text = text(files, &system.source)?.unwrap_or_default();
    let field = |name: &str| {
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let mut pairs = pairs.map(|(name, value)| (name.trim(), value.trim()));
        pairs.find_map(|(own, value)| (own == name).then(|| value.to_owned()))
    };
    Ok(match (field("VERSION"), field("PATCHLEVEL")) {
        (Some(version), Some(level)) if level != "0" => Some(format!("{version}.{level}")),
        (version, _) => version,
    })
}

/// By `ID`, then by `ID_LIKE`.
fn family(system: &OperatingSystem) -> Family {
    let like = system.id_like.iter().map(String::as_str);
    let mut names = std::iter::once(system.id.as_str()).chain(like);
    let found = names.find_map(|name| match name {
        "rhel" | "centos" | "fedora" | "ol" | "rocky" | "almalinux" | "scientific" | "amzn"
        | "openEuler" | "openeuler" | "anolis" | "kylin" | "circle" | "eurolinux"
        | "cloudlinux" | "virtuozzo" | "vzlinux" | "azurelinux" | "mariner" | "redhat"
        | "navylinux" => Some(Family::Rhel),
        "debian" | "ubuntu" | "raspbian" | "linuxmint" | "kali" | "devuan" | "pop" | "deepin" => {
            Some(Family::Debian)
        }
        "arch" | "archarm" | "manjaro" | "endeavouros" | "archlinux" => Some(Family::Arch),
        "alpine" | "postmarketos" => Some(Family::Alpine),
        "flatcar" | "coreos" => Some(Family::Flatcar),
        name if name.starts_with("sle") || name.contains("suse") => Some(Family::Suse),
        _ => None,
    });
    found.unwrap_or_default()
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
    use crate::tests::memory::Memory;

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

    fn system(files: &[(&str, &str)]) -> OperatingSystem {
        let tree = |tree: Memory, (path, text): &(&str, &str)| tree.file(path, text);
        let tree = files.iter().fold(Memory::new(), tree);
        find(tree.files()).unwrap().unwrap()
    }

    #[test]
    fn systems_of_every_family() {
        let check = |files: &[(&str, &str)], id: &str, version: Option<&str>, family: Family| {
            let found = system(files);
            let seen = (found.id.as_str(), found.version_id.as_deref(), found.family);
            assert_eq!(seen, (id, version, family), "{files:?}");
        };
        let os = "/etc/os-release";
        let rhel6 = "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n";
        check(
            &[("/etc/redhat-release", rhel6)],
            "rhel",
            Some("6.10"),
            Family::Rhel,
        );
        check(
            &[
                ("/etc/oracle-release", "Oracle Linux Server release 6.10\n"),
                ("/etc/redhat-release", rhel6),
            ],
            "ol",
            Some("6.10"),
            Family::Rhel,
        );
        check(
            &[("/etc/redhat-release", "CentOS release 6.10 (Final)\n")],
            "centos",
            Some("6.10"),
            Family::Rhel,
        );
        check(
            &[(
                "/etc/SuSE-release",
                "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n",
            )],
            "sles",
            Some("11.4"),
            Family::Suse,
        );
        check(
            &[("/etc/debian_version", "6.0.10\n")],
            "debian",
            Some("6.0.10"),
            Family::Debian,
        );
        check(&[("/etc/arch-release", "")], "arch", None, Family::Arch);
        check(
            &[("/etc/alpine-release", "3.20.1\n")],
            "alpine",
            Some("3.20.1"),
            Family::Alpine,
        );
        check(
            &[(os, "ID=mine\nID_LIKE=\"ubuntu debian\"\n")],
            "mine",
            None,
            Family::Debian,
        );
        check(
            &[(os, "ID=opensuse-leap\nVERSION_ID=15.6\n")],
            "opensuse-leap",
            Some("15.6"),
            Family::Suse,
        );
        check(
            &[("/usr/lib/os-release", "ID=flatcar\nID_LIKE=coreos\n")],
            "flatcar",
            None,
            Family::Flatcar,
        );
        check(&[(os, "ID=void\n")], "void", None, Family::Other);
    }

    #[test]
    fn what_stands_beside_os_release() {
        let found = system(&[
            (
                "/etc/os-release",
                "ID=rhel\nVERSION_ID=\"9.4\"\nVARIANT_ID=server\n",
            ),
            (
                "/etc/redhat-release",
                "Red Hat Enterprise Linux release 9.4 (Plow)\n",
            ),
            (
                "/etc/system-release-cpe",
                "cpe:/o:redhat:enterprise_linux:9::baseos\n",
            ),
        ]);
        assert_eq!(
            found.cpe.as_deref(),
            Some("cpe:/o:redhat:enterprise_linux:9::baseos")
        );
        assert_eq!(found.variant_id.as_deref(), Some("server"));
        assert_eq!(
            found.releases[0].line,
            "Red Hat Enterprise Linux release 9.4 (Plow)"
        );
        assert!(find(Memory::new().files()).unwrap().is_none());
    }
}
