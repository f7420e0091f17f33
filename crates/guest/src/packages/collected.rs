//! What is kept of a database: a count, and the list if it was asked for and there is room.

use std::ops::ControlFlow;

use detente_packages::{DatabaseError, Package as Read, State};

use crate::facts::{Package, PackageDatabase, PackageKind, PackageState};

/// What all lists together may take. Ten thousand packages take a quarter of it.
const ROOM_BYTES: usize = 16 << 20;
/// What a package takes apart from its texts.
const PACKAGE_BYTES: usize = size_of::<Package>();

/// What is left for lists.
pub(super) struct Room {
    list: bool,
    left: usize,
}

impl Room {
    pub(super) fn new(list: bool) -> Self {
        Self {
            list,
            left: ROOM_BYTES,
        }
    }

    /// Takes room for a package, if there is enough.
    fn take(&mut self, package: &Package) -> bool {
        let texts = [
            Some(&package.name),
            Some(&package.version),
            package.release.as_ref(),
            package.architecture.as_ref(),
            package.vendor.as_ref(),
            package.summary.as_ref(),
            package.source.as_ref(),
            package.file.as_ref(),
        ];
        let texts = texts.into_iter().flatten().map(String::len);
        let wanted = texts.fold(PACKAGE_BYTES, usize::saturating_add);
        let left = self.left.checked_sub(wanted);
        self.left = left.unwrap_or(0);
        left.is_some()
    }
}

/// A database that is being read.
pub(super) struct Collected<'r> {
    database: PackageDatabase,
    room: &'r mut Room,
}

impl<'r> Collected<'r> {
    pub(super) fn new(kind: PackageKind, path: String, room: &'r mut Room) -> Self {
        let database = PackageDatabase {
            kind,
            path,
            count: 0,
            damaged: 0,
            problem: None,
            packages: room.list.then(Vec::new),
        };
        Self { database, room }
    }

    /// Whether packages are wanted, or only their number.
    pub(super) fn lists(&self) -> bool {
        self.database.packages.is_some()
    }

    /// A package that a reader found, or one that it could not read.
    pub(super) fn take(
        &mut self,
        package: Result<Read, DatabaseError>,
        file: Option<&str>,
    ) -> ControlFlow<()> {
        match package {
            Ok(package) => self.add(of_read(package, file)),
            Err(error) => {
                self.database.damaged = self.database.damaged.saturating_add(1);
                self.fail(&error);
            }
        }
        ControlFlow::Continue(())
    }

    /// A package.
    pub(super) fn add(&mut self, package: Package) {
        if matches!(
            package.state,
            PackageState::Installed | PackageState::PublicKey
        ) {
            self.database.count = self.database.count.saturating_add(1);
        }
        let Some(packages) = &mut self.database.packages else {
            return;
        };
        if self.room.take(&package) {
            packages.push(package);
        } else if self.database.problem.is_none() {
            let said = "the list is cut: it takes more memory than is given to it";
            self.database.problem = Some(said.to_owned());
        }
    }

    /// So many are installed.
    pub(super) fn counted(&mut self, count: Result<u64, DatabaseError>) {
        match count {
            Ok(count) => self.database.count = count,
            Err(error) => self.fail(&error),
        }
    }

    /// The end of reading, before its time if it failed.
    pub(super) fn end(&mut self, read: Result<(), DatabaseError>) {
        if let Err(error) = read {
            self.fail(&error);
        }
    }

    /// The first thing that went wrong is kept.
    pub(super) fn fail(&mut self, error: &DatabaseError) {
        if self.database.problem.is_none() {
            self.database.problem = Some(detente_block::with_causes(error));
        }
    }

    /// The database, its list sorted.
    pub(super) fn finish(mut self) -> PackageDatabase {
        if let Some(packages) = &mut self.database.packages {
            let key = |package: &Package| (package.name.clone(), package.full_version());
            packages.sort_by_cached_key(key);
        }
        self.database
    }
}

fn of_read(package: Read, file: Option<&str>) -> Package {
    Package {
        name: package.name,
        epoch: package.epoch,
        version: package.version,
        release: package.release,
        architecture: package.architecture,
        vendor: package.vendor,
        summary: package.summary,
        source: package.source,
        installed_s: package.installed_s,
        size_bytes: package.size_bytes,
        state: state(package.state),
        file: file.map(str::to_owned),
        record: Some(package.record),
    }
}

fn state(state: State) -> PackageState {
    match state {
        State::Installed => PackageState::Installed,
        State::PublicKey => PackageState::PublicKey,
        State::ConfigFiles => PackageState::ConfigFiles,
        State::HalfInstalled => PackageState::HalfInstalled,
        State::Unpacked => PackageState::Unpacked,
        State::HalfConfigured => PackageState::HalfConfigured,
        State::TriggersAwaited => PackageState::TriggersAwaited,
        State::TriggersPending => PackageState::TriggersPending,
        State::NotInstalled => PackageState::NotInstalled,
        State::Unknown(word) => PackageState::Unknown(word),
    }
}

/// A package of which only the name, the version and the release are known.
pub(super) fn named(name: &str, version: &str, release: Option<&str>, file: String) -> Package {
    Package {
        name: name.to_owned(),
        epoch: None,
        version: version.to_owned(),
        release: release.map(str::to_owned),
        architecture: None,
        vendor: None,
        summary: None,
        source: None,
        installed_s: None,
        size_bytes: None,
        state: PackageState::Installed,
        file: Some(file),
        record: None,
    }
}
