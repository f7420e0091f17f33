//! What libguestfs calls a distribution, and what it concludes from it: guestfs(3),
//! `guestfs_inspect_get_distro` and the calls beside it.

use detente_guest::facts::OperatingSystem;

/// A distribution in libguestfs's words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Distribution {
    /// Absent where libguestfs has no word for it.
    pub(super) distro: Option<&'static str>,
    pub(super) major: u32,
    pub(super) minor: u32,
    pub(super) package_format: Option<&'static str>,
    pub(super) package_management: Option<&'static str>,
    /// Of CentOS: Stream has names of its own.
    is_stream: bool,
}

impl Distribution {
    pub(super) fn of(system: &OperatingSystem) -> Self {
        let version = system.version_id.as_deref().unwrap_or_default();
        let mut numbers = version
            .split('.')
            .map(|part| part.parse::<u32>().unwrap_or(0));
        let (major, minor) = (numbers.next().unwrap_or(0), numbers.next());
        let distro = distro(&system.id);
        // Debian and CentOS tell the minor version elsewhere, and libguestfs looks there.
        let minor = minor.or_else(|| minor_elsewhere(system, distro?));
        let minor = minor.unwrap_or(0);
        let (package_format, package_management) = match distro {
            Some(distro) => packages(distro, major),
            None => (None, None),
        };
        Self {
            distro,
            major,
            minor,
            package_format,
            package_management,
            is_stream: system.pretty_name.contains("Stream"),
        }
    }

    /// libosinfo's short name, where libguestfs knows one.
    pub(super) fn osinfo(&self) -> Option<String> {
        let Self { major, minor, .. } = self;
        let name = match self.distro? {
            "archlinux" => "archlinux".to_owned(),
            "alpinelinux" => format!("alpinelinux{major}.{minor}"),
            "centos" if self.is_stream => format!("centos-stream{major}"),
            "centos" if *major >= 8 => format!("centos{major}"),
            "centos" if *major == 7 => "centos7.0".to_owned(),
            "centos" => format!("centos{major}.{minor}"),
            "debian" => format!("debian{major}"),
            "fedora" => format!("fedora{major}"),
            "opensuse" => format!("opensuse{major}.{minor}"),
            "oraclelinux" => format!("ol{major}.{minor}"),
            "rhel" => format!("rhel{major}.{minor}"),
            "sles" if *minor == 0 => format!("sles{major}"),
            "sles" => format!("sles{major}sp{minor}"),
            "ubuntu" => format!("ubuntu{major}.{minor:02}"),
            _ => return None,
        };
        Some(name)
    }
}

/// `/etc/debian_version` is `12.5`; `/etc/centos-release` has `CentOS Linux release 7.9.2009 (Core)`.
fn minor_elsewhere(system: &OperatingSystem, distro: &str) -> Option<u32> {
    let path = match distro {
        "debian" => "/etc/debian_version",
        "centos" => "/etc/centos-release",
        _ => return None,
    };
    let file = system.releases.iter().find(|own| own.path == path)?;
    let mut words = file.line.split_whitespace();
    let version = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    version.split('.').nth(1)?.parse().ok()
}

/// `ID` of os-release in libguestfs's words.
fn distro(id: &str) -> Option<&'static str> {
    Some(match id {
        "alpine" => "alpinelinux",
        "altlinux" => "altlinux",
        "arch" => "archlinux",
        "centos" => "centos",
        "cirros" => "cirros",
        "debian" => "debian",
        "fedora" => "fedora",
        "gentoo" => "gentoo",
        "kali" => "kalilinux",
        "linuxmint" => "linuxmint",
        "mageia" => "mageia",
        "ol" => "oraclelinux",
        "openmandriva" => "openmandriva",
        "opensuse" | "opensuse-leap" | "opensuse-tumbleweed" => "opensuse",
        "rhel" => "rhel",
        "almalinux" | "rocky" | "circle" | "amzn" => "redhat-based",
        "scientific" => "scientificlinux",
        "sled" | "sles" | "sles_sap" => "sles",
        "ubuntu" => "ubuntu",
        "void" => "voidlinux",
        _ => return None,
    })
}

/// The format of packages, and what manages them.
fn packages(distro: &str, major: u32) -> (Option<&'static str>, Option<&'static str>) {
    match distro {
        "alpinelinux" => (Some("apk"), Some("apk")),
        "altlinux" => (Some("rpm"), Some("apt")),
        "archlinux" => (Some("pacman"), Some("pacman")),
        "debian" | "kalilinux" | "linuxmint" | "ubuntu" => (Some("deb"), Some("apt")),
        "fedora" if major >= 22 => (Some("rpm"), Some("dnf")),
        "gentoo" => (Some("ebuild"), Some("portage")),
        "mageia" => (Some("rpm"), Some("urpmi")),
        "openmandriva" => (Some("rpm"), Some("dnf")),
        "opensuse" | "sles" => (Some("rpm"), Some("zypper")),
        "voidlinux" => (Some("xbps"), Some("xbps")),
        "centos" | "oraclelinux" | "redhat-based" | "rhel" | "scientificlinux" if major >= 8 => {
            (Some("rpm"), Some("dnf"))
        }
        "centos" | "fedora" | "oraclelinux" | "redhat-based" | "rhel" | "scientificlinux" => {
            (Some("rpm"), Some("yum"))
        }
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_libguestfs() {
        let check = |id: &str, version: &str, expect: &str| {
            let version = match version {
                "" => "null".to_owned(),
                version => format!("\"{version}\""),
            };
            let system = format!(
                r#"{{"id": "{id}", "version_id": {version}, "pretty_name": "", "source": "",
                    "releases": [{{"path": "/etc/debian_version", "line": "12.5"}}]}}"#
            );
            let own = Distribution::of(&serde_json::from_str(&system).unwrap());
            let words = [own.distro, own.package_format, own.package_management];
            let words = words.map(|word| word.unwrap_or("-")).join(" ");
            let osinfo = own.osinfo().unwrap_or_else(|| "-".to_owned());
            let found = format!("{words} {osinfo} {}.{}", own.major, own.minor);
            assert_eq!(found, expect);
        };
        check("debian", "12", "debian deb apt debian12 12.5");
        check("ubuntu", "22.04", "ubuntu deb apt ubuntu22.04 22.4");
        check("rhel", "9.4", "rhel rpm dnf rhel9.4 9.4");
        check("rhel", "7.9", "rhel rpm yum rhel7.9 7.9");
        check("sles", "15.5", "sles rpm zypper sles15sp5 15.5");
        check("rocky", "9.3", "redhat-based rpm dnf - 9.3");
        check(
            "alpine",
            "3.19.1",
            "alpinelinux apk apk alpinelinux3.19 3.19",
        );
        check("arch", "", "archlinux pacman pacman archlinux 0.0");
        check("flatcar", "3815.2.0", "- - - - 3815.2");
    }
}
