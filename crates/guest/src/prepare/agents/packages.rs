//! The packages of agents, and which of the given files are they.

use detente_volume::FsError;

use crate::check::{By, Finding};
use crate::facts::{Family, PackageKind};
use crate::prepare::draft::{Ask, Draft, Reason};
use crate::prepare::guest_tree::has_program;
use crate::prepare::{PackageFile, PackageManager, Tool};

/// The packages with the agents of one world, in the words of a distribution.
pub(super) fn names(ask: Ask<'_>, rule: &str) -> Vec<String> {
    let system = &ask.facts.operating_system;
    let hyperv = rule == "linux.agents.hyperv-missing";
    let names: &[&str] = match (system.id.as_str(), system.family, hyperv) {
        ("ubuntu", _, true) => &["linux-cloud-tools-virtual"],
        (_, Family::Suse, true) => &["hyper-v"],
        (_, Family::Arch, true) => &["hyperv"],
        (_, Family::Alpine, true) => &["hvtools"],
        (_, _, true) => &["hyperv-daemons"],
        (_, _, false) => &["qemu-guest-agent"],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Has the packages installed if they were given; names them if not.
pub(super) fn install(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    finding: &Finding,
) -> Result<(), FsError> {
    let names = names(ask, finding.rule);
    let Some(manager) = manager(ask)? else {
        let why = "no package manager that installs files was found".to_owned();
        draft.leave_packages(finding.rule, By::Hand, why, names);
        return Ok(());
    };
    let files: Vec<PackageFile> = ask.options.packages.to_vec();
    let wanted = |own: &PackageFile| {
        names
            .iter()
            .any(|name| is_package(&own.name, name, manager))
    };
    if !files.iter().any(wanted) {
        let why = format!(
            "install {}, or give its packages with --packages; none are downloaded",
            names.join(" ")
        );
        draft.leave_packages(finding.rule, By::Hand, why, names);
        return Ok(());
    }
    // What it needs comes along: all given files of this kind of package and this machine.
    let mut fitting: Vec<PackageFile> = files
        .into_iter()
        .filter(|own| fits(&own.name, manager))
        .collect();
    fitting.sort();
    let why = Reason::new(
        finding.rule,
        format!("{} is installed from the given packages.", names.join(" ")),
    );
    let files = fitting;
    draft.run(Tool::InstallPackages { manager, files }, &[], &why);
    Ok(())
}

fn manager(ask: Ask<'_>) -> Result<Option<PackageManager>, FsError> {
    for database in &ask.facts.packages {
        let (manager, program) = match database.kind {
            PackageKind::Dpkg => (PackageManager::Dpkg, "dpkg"),
            PackageKind::RpmSqlite | PackageKind::RpmNdb | PackageKind::RpmBdb => {
                (PackageManager::Rpm, "rpm")
            }
            PackageKind::Apk => (PackageManager::Apk, "apk"),
            PackageKind::Pacman => (PackageManager::Pacman, "pacman"),
            PackageKind::Opkg | PackageKind::Portage | PackageKind::Snap | PackageKind::Flatpak => {
                continue;
            }
        };
        if has_program(ask.files, program)? {
            return Ok(Some(manager));
        }
    }
    Ok(None)
}

/// Whether a file is of this manager's kind, for this processor. The name alone is trusted as far:
/// the manager reads the rest, and refuses what does not fit.
fn fits(file: &str, manager: PackageManager) -> bool {
    // The name becomes a path: it has none of its own.
    if file.contains('/') || file.starts_with(['-', '.']) {
        return false;
    }
    match manager {
        PackageManager::Dpkg => ["_amd64.deb", "_all.deb"]
            .iter()
            .any(|end| file.ends_with(end)),
        PackageManager::Rpm => [".x86_64.rpm", ".noarch.rpm"]
            .iter()
            .any(|end| file.ends_with(end)),
        PackageManager::Apk => file.ends_with(".apk"),
        PackageManager::Pacman => {
            let kinds = ["-x86_64.pkg.tar", "-any.pkg.tar"];
            kinds.iter().any(|kind| file.contains(kind)) && !file.ends_with(".sig")
        }
    }
}

/// Whether a file is the package of this name: the name, then a version.
fn is_package(file: &str, name: &str, manager: PackageManager) -> bool {
    let mark = match manager {
        PackageManager::Dpkg => '_',
        PackageManager::Rpm | PackageManager::Apk | PackageManager::Pacman => '-',
    };
    let version = file
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(mark));
    fits(file, manager)
        && version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_told_by_name_kind_and_machine() {
        let check = |file: &str, manager, expect: bool| {
            assert_eq!(
                is_package(file, "qemu-guest-agent", manager),
                expect,
                "{file}"
            );
        };
        check(
            "qemu-guest-agent_7.2+dfsg-7_amd64.deb",
            PackageManager::Dpkg,
            true,
        );
        check(
            "qemu-guest-agent_7.2+dfsg-7_arm64.deb",
            PackageManager::Dpkg,
            false,
        );
        check(
            "qemu-guest-agent-9.0-1.el9.x86_64.rpm",
            PackageManager::Rpm,
            true,
        );
        check(
            "qemu-guest-agent-9.0-1.el9.src.rpm",
            PackageManager::Rpm,
            false,
        );
        check(
            "qemu-guest-agent-openrc-8.2.apk",
            PackageManager::Apk,
            false,
        );
        check("qemu-guest-agent-8.2.0-r1.apk", PackageManager::Apk, true);
        check(
            "qemu-guest-agent-9.1.0-1-x86_64.pkg.tar.zst",
            PackageManager::Pacman,
            true,
        );
        check(
            "qemu-guest-agent-9.1.0-1-x86_64.pkg.tar.zst.sig",
            PackageManager::Pacman,
            false,
        );
        assert!(!fits("../x_all.deb", PackageManager::Dpkg));
        assert!(!fits("--force_all.deb", PackageManager::Dpkg));
    }
}
