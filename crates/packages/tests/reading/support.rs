//! The samples of `tests/images`, and what is read of them.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use detente_block::{BlockRead, MemoryBackend};
use detente_packages::{DatabaseError, Package, RpmDatabase, Visitor, count_rpm, each_rpm};

pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/images")
        .join(name)
}

/// A sample's bytes.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    let packed = std::fs::read(path(&format!("{name}.zst"))).unwrap();
    zstd::decode_all(packed.as_slice()).unwrap()
}

/// The lines of a list that the format's own tool made.
pub(crate) fn expected(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path(&format!("{name}.list"))).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// What was found: the packages, and what was wrong with single records.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) packages: Vec<Package>,
    pub(crate) damage: Vec<DatabaseError>,
}

impl Found {
    pub(crate) fn by(
        read: impl FnOnce(&mut Visitor<'_>) -> Result<(), DatabaseError>,
    ) -> Result<Self, DatabaseError> {
        let mut found = Self::default();
        read(&mut |package| {
            match package {
                Ok(package) => found.packages.push(package),
                Err(error) => found.damage.push(error),
            }
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    pub(crate) fn sorted(&self, line: impl Fn(&Package) -> String) -> Vec<String> {
        let mut lines: Vec<String> = self.packages.iter().map(line).collect();
        lines.sort();
        lines
    }
}

/// Reads an RPM database; the count must agree.
pub(crate) fn rpm(bytes: &[u8], log: Option<&[u8]>) -> Result<Found, DatabaseError> {
    let file = MemoryBackend::new(bytes.to_vec());
    let log = log.map(|log| MemoryBackend::new(log.to_vec()));
    let database = RpmDatabase {
        file: &file,
        log: log.as_ref().map(|log| log as &dyn BlockRead),
    };
    let found = Found::by(|visit| each_rpm(&database, visit))?;
    let all = found.packages.len() + found.damage.len();
    assert_eq!(count_rpm(&database)?, u64::try_from(all).unwrap());
    Ok(found)
}
