//! RPM's three stores, against `rpm -qa`.

use std::ops::ControlFlow;

use detente_block::MemoryBackend;
use detente_packages::{Package, RpmDatabase, RpmStore, State, each_rpm};

use super::support::{expected, rpm, sample};

/// As `make.sh` asks `rpm -qa` for it.
fn line(package: &Package) -> String {
    let dash = || "-".to_owned();
    format!(
        "{} {} {} {} {} {} {}",
        package.name,
        package.epoch.map_or_else(dash, |epoch| epoch.to_string()),
        package.version,
        package.release.clone().unwrap_or_else(dash),
        package.architecture.clone().unwrap_or_else(dash),
        package
            .size_bytes
            .map_or_else(dash, |size| size.to_string()),
        package.installed_s.unwrap_or(0),
    )
}

#[track_caller]
fn check(name: &str, log: Option<&str>, list: &str, store: RpmStore) {
    let bytes = sample(name);
    let log = log.map(sample);
    let found = rpm(&bytes, log.as_deref()).unwrap();
    assert!(found.damage.is_empty(), "{:?}", found.damage);
    assert_eq!(found.sorted(line), expected(list));
    let file = MemoryBackend::new(bytes);
    let database = RpmDatabase {
        file: &file,
        log: None,
    };
    assert_eq!(database.store().unwrap(), store);
}

#[test]
fn sqlite_has_what_rpm_lists() {
    check("rpm-sqlite", None, "rpm-sqlite", RpmStore::Sqlite);
}

#[test]
fn the_write_ahead_log_is_read_too() {
    let log = Some("rpm-wal-log");
    check("rpm-sqlite", log, "rpm-wal", RpmStore::Sqlite);
}

#[test]
fn ndb_has_what_rpm_lists() {
    check("rpm-ndb", None, "rpm-ndb", RpmStore::Ndb);
}

#[test]
fn berkeley_db_has_what_rpm_lists() {
    check("rpm-bdb", None, "rpm-bdb", RpmStore::BerkeleyDb);
}

#[test]
fn berkeley_db_of_the_other_byte_order_has_the_same() {
    // No rpm here reads this one; it was made of the same headers.
    check("rpm-bdb-big", None, "rpm-bdb", RpmStore::BerkeleyDb);
}

#[test]
fn every_wanted_tag_is_read() {
    let found = rpm(&sample("rpm-ndb"), None).unwrap();
    let by_name = |name: &str| {
        let mut packages = found.packages.iter();
        packages.find(|package| package.name == name).unwrap()
    };
    // From the specification in make.sh.
    let payroll = by_name("payroll");
    assert_eq!(payroll.full_version(), "1:2.0~rc1-3.el9");
    assert_eq!(payroll.to_string(), "payroll 1:2.0~rc1-3.el9 x86_64");
    assert_eq!(payroll.vendor.as_deref(), Some("Example Works"));
    assert_eq!(payroll.summary.as_deref(), Some("Pays people"));
    assert_eq!(
        payroll.source.as_deref(),
        Some("payroll-2.0~rc1-3.el9.src.rpm")
    );
    assert_eq!(payroll.state, State::Installed);
    let key = by_name("gpg-pubkey");
    assert_eq!(key.state, State::PublicKey);
    assert_eq!((&key.architecture, &key.source), (&None, &None));
}

#[test]
fn a_visitor_may_stop() {
    for name in ["rpm-sqlite", "rpm-ndb", "rpm-bdb"] {
        let file = MemoryBackend::new(sample(name));
        let database = RpmDatabase {
            file: &file,
            log: None,
        };
        let mut seen = 0;
        each_rpm(&database, &mut |_| {
            seen += 1;
            ControlFlow::Break(())
        })
        .unwrap();
        assert_eq!(seen, 1, "{name}");
    }
}
