//! Guests with each kind of database.

use crate::facts::{PackageDatabase, PackageKind, PackageState};
use crate::tests::memory::Memory;

use super::gather;

const STATUS: &str = "Package: b\nStatus: install ok installed\nVersion: 1:2-3\n\n\
                      Package: a\nStatus: deinstall ok config-files\nVersion: 4\n\nVersion: 5\n";

fn one(memory: &Memory, list: bool) -> PackageDatabase {
    let mut found = gather(memory.files(), list).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn sample(name: &str) -> Vec<u8> {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../packages/tests/images");
    std::fs::read(format!("{samples}/{name}")).unwrap()
}

fn unpacked(name: &str) -> Vec<u8> {
    let packed = sample(&format!("{name}.zst"));
    zstd::decode_all(packed.as_slice()).unwrap()
}

#[test]
fn dpkg_counts_what_is_installed_and_lists_the_rest_too() {
    let memory = Memory::new().file("/var/lib/dpkg/status", STATUS);
    let counted = one(&memory, false);
    assert_eq!(counted.kind, PackageKind::Dpkg);
    assert_eq!((counted.count, counted.damaged), (1, 1));
    assert_eq!(counted.packages, None);
    let problem = "corrupt package database at line 9: a package without a name";
    assert_eq!(counted.problem.as_deref(), Some(problem));
    let listed = one(&memory, true).packages.unwrap();
    let names: Vec<&str> = listed.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["a", "b"], "sorted");
    assert_eq!(listed[0].state, PackageState::ConfigFiles);
    assert_eq!(listed[1].full_version(), "1:2-3");
    assert_eq!(listed[1].record, Some(1));
    let json = serde_json::to_value(&listed).unwrap();
    assert_eq!(json[0]["state"], "config-files");
}

#[test]
fn every_store_of_rpm_is_counted_and_listed_alike() {
    for (store, path, kind, count) in [
        (
            "rpm-sqlite",
            "/var/lib/rpm/rpmdb.sqlite",
            PackageKind::RpmSqlite,
            64,
        ),
        (
            "rpm-ndb",
            "/usr/lib/sysimage/rpm/Packages.db",
            PackageKind::RpmNdb,
            62,
        ),
        ("rpm-bdb", "/var/lib/rpm/Packages", PackageKind::RpmBdb, 64),
    ] {
        let memory = Memory::new().bytes(path, &unpacked(store));
        let counted = one(&memory, false);
        assert_eq!((counted.kind, counted.count), (kind, count), "{store}");
        assert_eq!((counted.path.as_str(), counted.problem), (path, None));
        let listed = one(&memory, true);
        assert_eq!(listed.count, count, "{store}");
        assert_eq!(
            listed.packages.unwrap().len(),
            usize::try_from(count).unwrap()
        );
    }
}

#[test]
fn the_log_beside_the_database_is_part_of_it() {
    let path = "/usr/lib/sysimage/rpm/rpmdb.sqlite";
    let memory = Memory::new()
        .bytes(path, &unpacked("rpm-sqlite"))
        .bytes(&format!("{path}-wal"), &unpacked("rpm-wal-log"))
        .link("/var/lib/rpm", "../../usr/lib/sysimage/rpm");
    assert_eq!(one(&memory, false).count, 62);
}

#[test]
fn a_damaged_database_is_said_and_no_error() {
    let memory = Memory::new().file("/var/lib/rpm/Packages", "not Berkeley's, by any means");
    let found = one(&memory, true);
    assert_eq!((found.kind, found.count), (PackageKind::RpmBdb, 0));
    let problem = "unsupported package database: neither sqlite, ndb nor a Berkeley DB hash";
    assert_eq!(found.problem.as_deref(), Some(problem));
}

#[test]
fn images_without_dpkg_have_a_file_a_package() {
    let memory = Memory::new()
        .file(
            "/var/lib/dpkg/status.d/base",
            "Package: base-files\nVersion: 12\n",
        )
        .file("/var/lib/dpkg/status.d/base.md5sums", "0 usr/x\n")
        .file(
            "/var/lib/dpkg/status.d/tz",
            "Package: tzdata\nVersion: 2024a-0\n",
        );
    let found = one(&memory, true);
    assert_eq!(found.count, 2);
    let packages = found.packages.unwrap();
    let file = packages[1].file.as_deref();
    assert_eq!(file, Some("/var/lib/dpkg/status.d/tz"));
}

#[test]
fn folders_are_databases_too() {
    let memory = Memory::new()
        .bytes(
            "/var/lib/pacman/local/plain-1.0-1/desc",
            &sample("pacman-plain"),
        )
        .file("/var/lib/pacman/local/ALPM_DB_VERSION", "9\n")
        .file("/var/db/pkg/sys-kernel/linux-6.6.1-r2/PF", "")
        .file("/var/db/pkg/sys-kernel/-MERGING-linux-6.6.2/PF", "")
        .file("/var/lib/snapd/snaps/core22_1612.snap", "")
        .file("/var/lib/flatpak/app/org.example.App/current", "")
        .bytes("/lib/apk/db/installed", &sample("apk-installed"));
    for list in [false, true] {
        let found = gather(memory.files(), list).unwrap();
        let counts: Vec<_> = found.iter().map(|one| (one.kind, one.count)).collect();
        assert_eq!(
            counts,
            [
                (PackageKind::Apk, 2),
                (PackageKind::Pacman, 1),
                (PackageKind::Portage, 1),
                (PackageKind::Snap, 1),
                (PackageKind::Flatpak, 1),
            ]
        );
        let first = |index: usize| Some(found[index].packages.as_ref()?[0].full_version());
        let versions: Vec<_> = (0..4).filter_map(first).collect();
        let expected: &[&str] = if list {
            &["1.2.3-r4", "1.0-1", "6.6.1-r2", "1612"]
        } else {
            &[]
        };
        assert_eq!(versions, expected);
    }
}
