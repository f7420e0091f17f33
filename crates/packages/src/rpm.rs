//! RPM's database, in whichever of its three stores.

use std::ops::ControlFlow;

use detente_block::BlockRead;

use crate::error::{DatabaseError, Unsupported};
use crate::header;
use crate::limits::Counter;
use crate::package::Package;
use crate::record::Record;
use crate::windows::Windows;
use crate::{bdb, ndb, sqlite};

/// Is given each package, or why one record could not be read; the others still come. Says whether
/// to go on.
pub type Visitor<'v> = dyn FnMut(Result<Package, DatabaseError>) -> ControlFlow<()> + 'v;

/// How RPM keeps its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RpmStore {
    /// `rpmdb.sqlite`: Fedora since 33, RHEL since 9.
    Sqlite,
    /// `Packages.db`: SUSE since SLES 15 SP3.
    Ndb,
    /// `Packages`, a hash of Berkeley DB: RHEL up to 8, SLES up to 15 SP2.
    BerkeleyDb,
}

impl RpmStore {
    /// The name that RPM's own macro `_db_backend` has for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Ndb => "ndb",
            Self::BerkeleyDb => "bdb",
        }
    }
}

/// An RPM database.
#[derive(Clone, Copy)]
pub struct RpmDatabase<'a> {
    /// `rpmdb.sqlite`, `Packages.db` or `Packages`.
    pub file: &'a dyn BlockRead,
    /// `rpmdb.sqlite-wal`, if it is there: what was committed, and not yet moved into the file.
    pub log: Option<&'a dyn BlockRead>,
}

/// What a store calls for each record, or with why one could not be found; it says whether to go
/// on.
pub(crate) type RecordVisitor<'v> = dyn FnMut(u64, Result<Record<'_>, DatabaseError>) -> Result<ControlFlow<()>, DatabaseError>
    + 'v;

impl RpmDatabase<'_> {
    /// Which store this is, by its magic number.
    ///
    /// # Errors
    /// [`Unsupported::Store`] if it is none; [`DatabaseError::Read`].
    pub fn store(&self) -> Result<RpmStore, DatabaseError> {
        let mut head = [0; 16];
        if self.file.len_bytes() < 16 {
            return Err(Unsupported::Store.into());
        }
        self.file.read_exact_at(0, &mut head)?;
        if head == sqlite::MAGIC {
            Ok(RpmStore::Sqlite)
        } else if head.starts_with(ndb::MAGIC) {
            Ok(RpmStore::Ndb)
        } else if bdb::is_hash(&head) {
            Ok(RpmStore::BerkeleyDb)
        } else {
            Err(Unsupported::Store.into())
        }
    }

    /// Every record of the store.
    fn each_record(&self, visit: &mut RecordVisitor<'_>) -> Result<(), DatabaseError> {
        match self.store()? {
            RpmStore::Sqlite => sqlite::each_row(self.file, self.log, visit),
            RpmStore::Ndb => ndb::each_blob(Windows::new(self.file), visit),
            RpmStore::BerkeleyDb => bdb::each_item(Windows::new(self.file), visit),
        }
    }
}

/// Reads every package of an RPM database, `gpg-pubkey` included, in the order of the store. At
/// most 5 MiB of memory are used, whatever the size of the database.
///
/// # Errors
/// [`DatabaseError`] if nothing further can be read; records that are damaged alone go to `visit`.
pub fn each_rpm(database: &RpmDatabase<'_>, visit: &mut Visitor<'_>) -> Result<(), DatabaseError> {
    let mut counter = Counter::default();
    database.each_record(&mut |number, record| {
        counter.one_more()?;
        match record.and_then(|record| header::parse(record, number)) {
            Err(error) if !error.is_of_one_record() => Err(error),
            package => Ok(visit(package)),
        }
    })
}

/// How many packages an RPM database has, keys and damaged records included, without reading
/// their headers: what `rpm -qa | wc -l` says.
///
/// # Errors
/// As [`each_rpm`].
pub fn count_rpm(database: &RpmDatabase<'_>) -> Result<u64, DatabaseError> {
    let mut counter = Counter::default();
    let mut count = 0_u64;
    database.each_record(&mut |_, _| {
        counter.one_more()?;
        count = count.saturating_add(1);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(count)
}
