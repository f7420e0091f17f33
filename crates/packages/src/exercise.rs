//! Does everything with bytes that may be anything: what the hostile tests and the fuzzer run.

use std::ops::ControlFlow;

use detente_block::{BlockRead, MemoryBackend};

use crate::package::Package;
use crate::{
    DatabaseError, RpmDatabase, VersionScheme, count_rpm, each_apk, each_dpkg, each_rpm,
    read_pacman,
};

/// Opens `bytes` as every database that this crate reads, with `log` as the write-ahead log, and
/// reads all of it. Returns how many packages were found; never panics.
#[must_use]
pub fn exercise(bytes: &[u8], log: Option<&[u8]>) -> u64 {
    let file = MemoryBackend::new(bytes.to_vec());
    let log = log.map(|log| MemoryBackend::new(log.to_vec()));
    let log: Option<&dyn BlockRead> = match &log {
        Some(log) => Some(log),
        None => None,
    };
    let database = RpmDatabase { file: &file, log };
    let mut found = 0_u64;
    let mut last = String::new();
    let mut visit = |package: Result<Package, DatabaseError>| {
        if let Ok(package) = package {
            found = found.saturating_add(1);
            compare(&package, &mut last);
        }
        ControlFlow::Continue(())
    };
    // A text is no store, and a store is no text.
    if database.store().is_ok() {
        let _ = count_rpm(&database);
        let _ = each_rpm(&database, &mut visit);
    } else {
        let _ = each_dpkg(&file, &mut visit);
        let _ = each_apk(&file, &mut visit);
        let _ = visit(read_pacman(&file));
    }
    found
}

/// Compares the version with the one before, by everybody's rules; the other way round it must be
/// the other answer.
fn compare(package: &Package, last: &mut String) {
    let version = package.full_version();
    for scheme in [
        VersionScheme::Rpm,
        VersionScheme::Dpkg,
        VersionScheme::Apk,
        VersionScheme::Pacman,
    ] {
        let there = scheme.compare(&version, last);
        let back = scheme.compare(last, &version);
        assert_eq!(
            there,
            back.reverse(),
            "{scheme:?} of {version:?} and {last:?}"
        );
    }
    *last = version;
}
