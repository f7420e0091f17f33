//! Databases that are folders: one folder or file a package.

use detente_packages::read_pacman;
use detente_volume::{FileKind, FsError};

use super::collected::{Collected, Room, named};
use crate::facts::{PackageDatabase, PackageKind};
use crate::files::{Files, absent};

const PACMAN: &str = "/var/lib/pacman/local";
const PORTAGE: &str = "/var/db/pkg";
const SNAP: &str = "/var/lib/snapd/snaps";
const FLATPAK: &str = "/var/lib/flatpak";

/// Categories of Portage that are looked into; there are about two hundred.
const MAX_CATEGORIES: usize = 2000;

/// The folders in a folder, sorted.
fn folders(files: Files<'_>, path: &str) -> Result<Vec<String>, FsError> {
    let entries = files.entries(path)?.into_iter();
    let folders = entries.filter(|entry| entry.kind == FileKind::Directory);
    Ok(folders.map(|entry| entry.name).collect())
}

/// pacman: a folder a package, with a file `desc`.
pub(super) fn pacman(
    files: Files<'_>,
    room: &mut Room,
) -> Result<Option<PackageDatabase>, FsError> {
    let names = folders(files, PACMAN)?;
    if names.is_empty() {
        return Ok(None);
    }
    let mut collected = Collected::new(PackageKind::Pacman, PACMAN.to_owned(), room);
    if !collected.lists() {
        collected.counted(Ok(u64::try_from(names.len()).unwrap_or(u64::MAX)));
        return Ok(Some(collected.finish()));
    }
    for name in names {
        let path = format!("{PACMAN}/{name}/desc");
        if let Some(file) = absent(files.system().open(&path))? {
            let _ = collected.take(read_pacman(file.as_ref()), Some(&path));
        }
    }
    Ok(Some(collected.finish()))
}

/// Portage: `category/name-version[-rN]`, each a folder.
pub(super) fn portage(
    files: Files<'_>,
    room: &mut Room,
) -> Result<Option<PackageDatabase>, FsError> {
    let categories = folders(files, PORTAGE)?;
    if categories.is_empty() {
        return Ok(None);
    }
    let mut collected = Collected::new(PackageKind::Portage, PORTAGE.to_owned(), room);
    for category in categories.iter().take(MAX_CATEGORIES) {
        let folder = format!("{PORTAGE}/{category}");
        for full in folders(files, &folder)? {
            // Portage writes a package beside the old one under such a name first.
            if full.starts_with("-MERGING-") {
                continue;
            }
            let (name, version, release) = portage_name(&full);
            let name = format!("{category}/{name}");
            collected.add(named(&name, version, release, format!("{folder}/{full}")));
        }
    }
    Ok(Some(collected.finish()))
}

/// \[PMS\] 3.1.2 and 3.2: a version begins with a digit behind a hyphen; `-r` and digits is its revision.
fn portage_name(full: &str) -> (&str, &str, Option<&str>) {
    let revision = full.rsplit_once('-').filter(|(_, last)| {
        last.strip_prefix('r').is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    });
    let (rest, release) = match revision {
        Some((rest, release)) => (rest, Some(release)),
        None => (full, None),
    };
    match rest.rsplit_once('-') {
        Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => {
            (name, version, release)
        }
        Some(_) | None => (full, "", None),
    }
}

/// snapd: a file `name_revision.snap` for each revision that is kept.
pub(super) fn snap(files: Files<'_>, room: &mut Room) -> Result<Option<PackageDatabase>, FsError> {
    let names = files.list(SNAP)?;
    let mut collected = Collected::new(PackageKind::Snap, SNAP.to_owned(), room);
    let mut any = false;
    for file in &names {
        let parts = file
            .strip_suffix(".snap")
            .and_then(|stem| stem.rsplit_once('_'));
        if let Some((name, revision)) = parts {
            any = true;
            collected.add(named(name, "", Some(revision), format!("{SNAP}/{file}")));
        }
    }
    Ok(any.then(|| collected.finish()))
}

/// Flatpak: a folder for each program and runtime of the system.
pub(super) fn flatpak(
    files: Files<'_>,
    room: &mut Room,
) -> Result<Option<PackageDatabase>, FsError> {
    let mut collected = Collected::new(PackageKind::Flatpak, FLATPAK.to_owned(), room);
    let mut any = false;
    for kind in ["app", "runtime"] {
        let folder = format!("{FLATPAK}/{kind}");
        for name in folders(files, &folder)? {
            any = true;
            collected.add(named(&name, "", None, format!("{folder}/{name}")));
        }
    }
    Ok(any.then(|| collected.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_portage_begins_with_a_digit() {
        assert_eq!(
            portage_name("gcc-13.2.1_p2-r1"),
            ("gcc", "13.2.1_p2", Some("r1"))
        );
        assert_eq!(
            portage_name("qemu-guest-agent-8.0"),
            ("qemu-guest-agent", "8.0", None)
        );
        assert_eq!(portage_name("font-r5"), ("font-r5", "", None));
        assert_eq!(portage_name("x"), ("x", "", None));
    }
}
