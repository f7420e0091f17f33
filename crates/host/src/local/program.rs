//! Finds QEMU, its version and the package that it comes from.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::fs::{Access, access};

use super::bounded;
use crate::HostError;

const PROGRAM: &str = "qemu-system-x86_64";

/// The oldest QEMU that the arguments of our machines are made for, by the first number of its
/// version.
pub const OLDEST_QEMU: u32 = 6;

/// Where Red Hat's distributions keep it.
const RED_HAT_PROGRAM: &str = "/usr/libexec/qemu-kvm";

const VERSION_LIMIT: Duration = Duration::from_secs(30);
const PACKAGE_LIMIT: Duration = Duration::from_secs(10);

/// A package of the distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    /// Name and version.
    pub(crate) name: String,
    /// Whether the package says that it is the platform vendor's own product.
    pub(crate) is_vendors: bool,
}

pub(crate) fn find(folders: &[PathBuf]) -> Result<PathBuf, HostError> {
    in_folders(folders, PROGRAM)
        .or_else(|| executable(RED_HAT_PROGRAM.into()))
        .ok_or_else(|| HostError::Missing {
            what: PROGRAM.to_owned(),
            remedy: "install it (Debian, Ubuntu: qemu-system-x86; Fedora, RHEL: qemu-kvm; \
                     SUSE: qemu-x86)"
                .to_owned(),
        })
}

pub(crate) fn in_folders(folders: &[PathBuf], name: &str) -> Option<PathBuf> {
    folders
        .iter()
        // An empty entry of PATH means the current folder, where we run nothing from.
        .filter(|folder| folder.is_absolute())
        .find_map(|folder| executable(folder.join(name)))
}

fn executable(path: PathBuf) -> Option<PathBuf> {
    (path.is_file() && access(&path, Access::EXEC_OK).is_ok()).then_some(path)
}

/// `7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)`, as it says itself.
pub(crate) fn version(program: &Path) -> Result<String, HostError> {
    let mut command = Command::new(program);
    command.arg("--version");
    let ended = bounded::run(command, VERSION_LIMIT).map_err(|source| HostError::Io {
        action: "asking QEMU for its version",
        source,
    })?;
    parse_version(&ended.stdout).ok_or_else(|| HostError::Failed {
        action: "asking QEMU for its version",
        detail: format!("it said {:?} {:?}", ended.stdout, ended.stderr),
    })
}

fn parse_version(text: &str) -> Option<String> {
    let line = text.lines().next()?;
    let (_, version) = line.split_once("version ")?;
    let version = version.trim();
    version
        .starts_with(|first: char| first.is_ascii_digit())
        .then(|| version.to_owned())
}

/// Refuses a version before [`OLDEST_QEMU`]; one that is no number may be anything, and is tried.
pub(crate) fn refuse_old(version: &str, program: &Path) -> Result<(), HostError> {
    let first = version.split('.').next().unwrap_or_default();
    match first.parse::<u32>() {
        Ok(first) if first < OLDEST_QEMU => Err(HostError::Missing {
            what: format!("QEMU {OLDEST_QEMU} or later"),
            remedy: format!("{} is version {version}", program.display()),
        }),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The package, where a package manager says so in time.
pub(crate) fn package(program: &Path, folders: &[PathBuf]) -> Option<Package> {
    debian_package(program, folders).or_else(|| rpm_package(program, folders))
}

fn debian_package(program: &Path, folders: &[PathBuf]) -> Option<Package> {
    let query = in_folders(folders, "dpkg-query")?;
    let owner = helper(&query, |command| command.arg("-S").arg(program))?;
    let (owner, _) = owner.lines().next()?.split_once(':')?;
    let name = helper(&query, |command| {
        command.args(["-W", "-f", "${Package} ${Version}", owner])
    })?;
    Some(Package {
        name,
        is_vendors: false,
    })
}

fn rpm_package(program: &Path, folders: &[PathBuf]) -> Option<Package> {
    let rpm = in_folders(folders, "rpm")?;
    let format = "%{NAME} %{EVR}\n%{VENDOR}\n";
    let answer = helper(&rpm, |command| {
        command.args(["-qf", "--qf", format]).arg(program)
    })?;
    let mut lines = answer.lines();
    Some(Package {
        name: lines.next()?.to_owned(),
        is_vendors: lines.next() == Some("Red Hat, Inc."),
    })
}

fn helper(program: &Path, arguments: impl FnOnce(&mut Command) -> &mut Command) -> Option<String> {
    let mut command = Command::new(program);
    arguments(&mut command);
    let ended = bounded::run(command, PACKAGE_LIMIT).ok()?;
    (ended.status.success() && !ended.stdout.is_empty()).then_some(ended.stdout)
}

#[cfg(test)]
mod tests {
    use super::{parse_version, refuse_old};

    /// What the packages of Debian 12, RHEL 9 and upstream print.
    #[test]
    fn versions_are_found() {
        for (text, expected) in [
            (
                "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright (c)",
                Some("7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)"),
            ),
            (
                "QEMU emulator version 9.1.0 (qemu-kvm-9.1.0-15.el9)",
                Some("9.1.0 (qemu-kvm-9.1.0-15.el9)"),
            ),
            ("QEMU emulator version 6.0.0", Some("6.0.0")),
            ("QEMU emulator version unknown", None),
            ("bash: version 5.2", Some("5.2")),
            ("", None),
        ] {
            assert_eq!(parse_version(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_qemu_that_is_too_old_is_named() {
        let check = |version: &str| {
            let refused = refuse_old(version, "/usr/bin/qemu-system-x86_64".as_ref());
            refused.map_err(|error| error.to_string())
        };
        let said =
            "QEMU 6 or later is missing: /usr/bin/qemu-system-x86_64 is version 5.2.0 (Debian)";
        assert_eq!(check("5.2.0 (Debian)"), Err(said.to_owned()));
        for version in ["6.0.0", "10.1.0", "7.2.22 (Debian 1:7.2)", "9-rc"] {
            assert_eq!(check(version), Ok(()), "{version}");
        }
    }
}
