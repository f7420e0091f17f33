//! Which packages are installed, as the guest's package databases say.
//!
//! A database that is damaged is no error: what could be read is counted, and why not all of it is
//! said.

mod collected;
mod folders;

use detente_packages::{RpmDatabase, RpmStore, count_rpm, each_apk, each_dpkg, each_rpm};
use detente_volume::FsError;

use self::collected::{Collected, Room};
use crate::facts::{PackageDatabase, PackageKind};
use crate::files::{Files, absent};

/// Where RPM keeps its database: Fedora and SUSE, all others, image-based systems. They are links
/// to one another at times, so that the first that has one is it.
const RPM_FOLDERS: [&str; 3] = ["/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm"];
const RPM_FILES: [&str; 3] = ["rpmdb.sqlite", "Packages.db", "Packages"];

const DPKG: &str = "/var/lib/dpkg/status";
/// One file a package, in images that have no dpkg.
const DPKG_PARTS: &str = "/var/lib/dpkg/status.d";
const OPKG: [&str; 2] = ["/usr/lib/opkg/status", "/var/lib/opkg/status"];
const APK: [&str; 2] = ["/usr/lib/apk/db/installed", "/lib/apk/db/installed"];

/// Every package database of a guest; with `list`, the packages in it too.
pub(crate) fn gather(files: Files<'_>, list: bool) -> Result<Vec<PackageDatabase>, FsError> {
    let mut room = Room::new(list);
    let mut found = Vec::new();
    found.extend(rpm(files, &mut room)?);
    found.extend(text(files, PackageKind::Dpkg, &[DPKG], &mut room)?);
    found.extend(dpkg_parts(files, &mut room)?);
    found.extend(text(files, PackageKind::Opkg, &OPKG, &mut room)?);
    found.extend(text(files, PackageKind::Apk, &APK, &mut room)?);
    found.extend(folders::pacman(files, &mut room)?);
    found.extend(folders::portage(files, &mut room)?);
    found.extend(folders::snap(files, &mut room)?);
    found.extend(folders::flatpak(files, &mut room)?);
    Ok(found)
}

fn rpm(files: Files<'_>, room: &mut Room) -> Result<Option<PackageDatabase>, FsError> {
    for folder in RPM_FOLDERS {
        for name in RPM_FILES {
            let path = format!("{folder}/{name}");
            let Some(file) = absent(files.system().open(&path))? else {
                continue;
            };
            let log = absent(files.system().open(&format!("{path}-wal")))?;
            let database = RpmDatabase {
                file: file.as_ref(),
                log: log.as_deref(),
            };
            return Ok(Some(rpm_database(&database, path, room)));
        }
    }
    Ok(None)
}

fn rpm_database(database: &RpmDatabase<'_>, path: String, room: &mut Room) -> PackageDatabase {
    let (kind, failure) = match database.store() {
        Ok(store) => (kind(store), None),
        // Only the name says what it should be.
        Err(error) => (kind_by_name(&path), Some(error)),
    };
    let mut collected = Collected::new(kind, path, room);
    if let Some(error) = failure {
        collected.fail(&error);
    } else if collected.lists() {
        let read = each_rpm(database, &mut |package| collected.take(package, None));
        collected.end(read);
    } else {
        let counted = count_rpm(database);
        collected.counted(counted);
    }
    collected.finish()
}

fn kind(store: RpmStore) -> PackageKind {
    match store {
        RpmStore::Sqlite => PackageKind::RpmSqlite,
        RpmStore::Ndb => PackageKind::RpmNdb,
        RpmStore::BerkeleyDb => PackageKind::RpmBdb,
    }
}

fn kind_by_name(path: &str) -> PackageKind {
    match path.rsplit('/').next() {
        Some("rpmdb.sqlite") => PackageKind::RpmSqlite,
        Some("Packages.db") => PackageKind::RpmNdb,
        Some(_) | None => PackageKind::RpmBdb,
    }
}

/// A database that is one text: the first of `paths` that is there.
fn text(
    files: Files<'_>,
    kind: PackageKind,
    paths: &[&str],
    room: &mut Room,
) -> Result<Option<PackageDatabase>, FsError> {
    for path in paths {
        let Some(file) = absent(files.system().open(path))? else {
            continue;
        };
        // An image without dpkg may have an empty file beside status.d.
        if file.len_bytes() == 0 {
            continue;
        }
        let mut collected = Collected::new(kind, (*path).to_owned(), room);
        let read = if kind == PackageKind::Apk {
            each_apk(file.as_ref(), &mut |package| collected.take(package, None))
        } else {
            each_dpkg(file.as_ref(), &mut |package| collected.take(package, None))
        };
        collected.end(read);
        return Ok(Some(collected.finish()));
    }
    Ok(None)
}

fn dpkg_parts(files: Files<'_>, room: &mut Room) -> Result<Option<PackageDatabase>, FsError> {
    let names = files.list(DPKG_PARTS)?;
    // Sums of a package's files stand beside it.
    let names: Vec<&String> = names
        .iter()
        .filter(|name| !name.ends_with(".md5sums"))
        .collect();
    if names.is_empty() {
        return Ok(None);
    }
    let mut collected = Collected::new(PackageKind::Dpkg, DPKG_PARTS.to_owned(), room);
    for name in names {
        let path = format!("{DPKG_PARTS}/{name}");
        if let Some(file) = absent(files.system().open(&path))? {
            let part = Some(path.as_str());
            let read = each_dpkg(file.as_ref(), &mut |package| collected.take(package, part));
            collected.end(read);
        }
    }
    Ok(Some(collected.finish()))
}

#[cfg(test)]
mod tests;
