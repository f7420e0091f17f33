//! pacman's database: a folder a package in `/var/lib/pacman/local`, with a file `desc`.
//!
//! A line `%NAME%` begins a section; its values stand below, one a line, up to an empty one.

use detente_block::BlockRead;

use crate::error::{Corruption, DatabaseError};
use crate::lines::Lines;
use crate::package::Package;
use crate::text::{required, value};

/// A section that is read.
#[derive(Debug, Clone, Copy)]
enum Section {
    Name,
    Version,
    Base,
    Description,
    Architecture,
    InstallDate,
    Packager,
    Size,
}

impl Section {
    fn of(line: &[u8]) -> Option<Self> {
        Some(match line {
            b"%NAME%" => Self::Name,
            b"%VERSION%" => Self::Version,
            b"%BASE%" => Self::Base,
            b"%DESC%" => Self::Description,
            b"%ARCH%" => Self::Architecture,
            b"%INSTALLDATE%" => Self::InstallDate,
            b"%PACKAGER%" => Self::Packager,
            b"%SIZE%" => Self::Size,
            _ => return None,
        })
    }
}

#[derive(Default)]
struct Fields {
    name: Option<String>,
    version: Option<String>,
    base: Option<String>,
    description: Option<String>,
    architecture: Option<String>,
    packager: Option<String>,
    installed_s: Option<i64>,
    size_bytes: Option<u64>,
}

impl Fields {
    fn keep(&mut self, section: Section, value: String) {
        match section {
            Section::Name => self.name = Some(value),
            Section::Version => self.version = Some(value),
            Section::Base => self.base = Some(value),
            Section::Description => self.description = Some(value),
            Section::Architecture => self.architecture = Some(value),
            Section::Packager => self.packager = Some(value),
            Section::InstallDate => self.installed_s = value.parse().ok(),
            Section::Size => self.size_bytes = value.parse().ok(),
        }
    }

    fn package(self) -> Result<Package, Corruption> {
        let name = required(self.name, "a name")?;
        let version = required(self.version, "a version")?;
        let mut package = Package::new(name, &version, 1);
        package.architecture = self.architecture;
        package.vendor = self.packager;
        package.summary = self.description;
        package.source = self.base.filter(|base| *base != package.name);
        package.installed_s = self.installed_s;
        package.size_bytes = self.size_bytes;
        Ok(package)
    }
}

/// Reads the `desc` of one package. Uses less than 1 MiB of memory.
///
/// # Errors
/// [`DatabaseError`].
pub fn read_pacman(file: &dyn BlockRead) -> Result<Package, DatabaseError> {
    let mut lines = Lines::new(file)?;
    let mut fields = Fields::default();
    let mut section = None;
    let mut between = true;
    while let Some(line) = lines.next()? {
        if line.is_empty() {
            between = true;
        } else if between {
            section = Section::of(line);
            between = false;
        } else if let Some(section) = section.take() {
            // The first value; a description has no other.
            fields.keep(section, value(line));
        }
    }
    fields
        .package()
        .map_err(|rule| DatabaseError::CorruptLine { line: 1, rule })
}
