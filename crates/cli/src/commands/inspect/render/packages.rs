//! Package databases on the page: a line each, and below it the packages where they were asked for.

use detente_guest::facts::{Facts, Package, PackageDatabase, PackageKind, PackageState};

use crate::page::Page;

pub(super) fn packages(page: &mut Page, facts: &Facts) {
    if facts.packages.is_empty() {
        return;
    }
    page.heading("Packages");
    for database in &facts.packages {
        page.item("", &summary(database));
        if let Some(problem) = &database.problem {
            page.item("!", problem);
        }
        let Some(packages) = &database.packages else {
            continue;
        };
        if is_rpm(database.kind) {
            for package in packages {
                page.item("", &rpm_name(package));
            }
        } else {
            let rows: Vec<Vec<String>> = packages.iter().map(row).collect();
            page.table(&rows);
        }
    }
}

fn summary(database: &PackageDatabase) -> String {
    let (count, kind, path) = (database.count, name(database.kind), &database.path);
    let damaged = match database.damaged {
        0 => String::new(),
        damaged => format!(", {damaged} damaged"),
    };
    format!("{count} installed{damaged}: {kind}, {path}")
}

fn name(kind: PackageKind) -> &'static str {
    match kind {
        PackageKind::RpmSqlite => "RPM (sqlite)",
        PackageKind::RpmNdb => "RPM (ndb)",
        PackageKind::RpmBdb => "RPM (Berkeley DB)",
        PackageKind::Dpkg => "dpkg",
        PackageKind::Opkg => "opkg",
        PackageKind::Apk => "apk",
        PackageKind::Pacman => "pacman",
        PackageKind::Portage => "Portage",
        PackageKind::Snap => "snap",
        PackageKind::Flatpak => "Flatpak",
    }
}

fn is_rpm(kind: PackageKind) -> bool {
    matches!(
        kind,
        PackageKind::RpmSqlite | PackageKind::RpmNdb | PackageKind::RpmBdb
    )
}

/// As `rpm -qa` has it: without the epoch; a key has no architecture.
fn rpm_name(package: &Package) -> String {
    let release = package.release.as_deref().unwrap_or_default();
    let full = format!("{}-{}-{release}", package.name, package.version);
    match &package.architecture {
        Some(architecture) => format!("{full}.{architecture}"),
        None => full,
    }
}

/// Much as `dpkg -l` has it; what is not wholly installed says so.
fn row(package: &Package) -> Vec<String> {
    let state = match &package.state {
        PackageState::Installed | PackageState::PublicKey => None,
        PackageState::ConfigFiles => Some("config-files"),
        PackageState::HalfInstalled => Some("half-installed"),
        PackageState::Unpacked => Some("unpacked"),
        PackageState::HalfConfigured => Some("half-configured"),
        PackageState::TriggersAwaited => Some("triggers-awaited"),
        PackageState::TriggersPending => Some("triggers-pending"),
        PackageState::NotInstalled => Some("not-installed"),
        PackageState::Unknown(word) => Some(word.as_str()),
    };
    let summary = package.summary.as_deref().unwrap_or_default();
    vec![
        package.name.clone(),
        package.full_version(),
        package.architecture.clone().unwrap_or_default(),
        match state {
            Some(state) => format!("({state}) {summary}"),
            None => summary.to_owned(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASES: &str = r#"[
        {"kind": "rpm-ndb", "path": "/usr/lib/sysimage/rpm/Packages.db", "count": 2, "damaged": 1,
         "problem": "corrupt", "packages": [
            {"name": "gpg-pubkey", "version": "57ae", "release": "6b03", "state": "public-key"},
            {"name": "payroll", "epoch": 1, "version": "2.0~rc1", "release": "3.el9",
             "architecture": "x86_64", "state": "installed"}]},
        {"kind": "dpkg", "path": "/var/lib/dpkg/status", "count": 1, "damaged": 0, "packages": [
            {"name": "a", "version": "4", "architecture": "all", "state": "config-files"},
            {"name": "long", "epoch": 2, "version": "1", "release": "3", "architecture": "amd64",
             "summary": "What it is", "state": "installed"}]},
        {"kind": "snap", "path": "/var/lib/snapd/snaps", "count": 7, "damaged": 0}
    ]"#;

    const PAGE: &str = "\
Packages
    2 installed, 1 damaged: RPM (ndb), /usr/lib/sysimage/rpm/Packages.db
  ! corrupt
    gpg-pubkey-57ae-6b03
    payroll-2.0~rc1-3.el9.x86_64
    1 installed: dpkg, /var/lib/dpkg/status
  a     4      all    (config-files)
  long  2:1-3  amd64  What it is
    7 installed: snap, /var/lib/snapd/snaps
";

    #[test]
    fn packages_have_a_line_each() {
        let facts = serde_json::from_str::<Facts>(&super::super::tests::facts_with(DATABASES));
        let mut page = Page::default();
        packages(&mut page, &facts.unwrap());
        assert_eq!(page.finish(), PAGE);
    }
}
