//! The units of a controller: shared by the device and its handle.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fault::{Failure, Fault};
use super::medium::Medium;
use super::unit::Unit;

/// How many faults are kept until somebody asks for them; the first say most.
const FAULTS_KEPT: usize = 64;

/// Why a disk could not be attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The controller has no such number.
    #[error("logical unit {lun} is not below {limit}")]
    NoSuchNumber {
        /// The number.
        lun: u8,
        /// The first that there is not.
        limit: u8,
    },
    /// There is a disk already.
    #[error("logical unit {lun} is in use")]
    InUse {
        /// The number.
        lun: u8,
    },
    /// A disk needs a sector at least.
    #[error("the disk of logical unit {lun} is shorter than a sector")]
    Empty {
        /// The number.
        lun: u8,
    },
}

/// There is no disk of that number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no logical unit {lun}")]
pub struct NoSuchUnit {
    /// The number.
    pub lun: u8,
}

/// What device and handle share. The lock is never held while a disk works.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Units>>);

/// The units.
pub(super) struct Units {
    limit: u8,
    units: BTreeMap<u8, Arc<Unit>>,
    /// Something came, went or changed, and the guest was not told yet.
    changed: bool,
    faults: Vec<Fault>,
}

impl Shared {
    pub(super) fn new(limit: u8) -> Self {
        Self(Arc::new(Mutex::new(Units {
            limit,
            units: BTreeMap::new(),
            changed: false,
            faults: Vec::new(),
        })))
    }

    /// The units. Nothing that holds them can be left half done, so a panic elsewhere is no matter.
    pub(super) fn lock(&self) -> MutexGuard<'_, Units> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Units {
    pub(super) fn attach(&mut self, medium: Medium) -> Result<(), AttachError> {
        let (lun, limit) = (medium.lun, self.limit);
        if lun >= limit {
            return Err(AttachError::NoSuchNumber { lun, limit });
        }
        if self.units.contains_key(&lun) {
            return Err(AttachError::InUse { lun });
        }
        let unit = Unit::new(medium);
        if unit.blocks() == 0 {
            return Err(AttachError::Empty { lun });
        }
        self.units.insert(lun, Arc::new(unit));
        self.changed = true;
        Ok(())
    }

    pub(super) fn remove(&mut self, lun: u8) -> Result<Arc<Unit>, NoSuchUnit> {
        let unit = self.units.remove(&lun).ok_or(NoSuchUnit { lun })?;
        self.changed = true;
        Ok(unit)
    }

    /// The unit of that number.
    pub(super) fn get(&self, lun: u8) -> Option<Arc<Unit>> {
        self.units.get(&lun).cloned()
    }

    /// The numbers in use, rising.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u8> {
        self.units.keys().copied()
    }

    /// The length of a unit has changed.
    pub(super) fn note_change(&mut self, lun: u8) -> Result<(), NoSuchUnit> {
        self.units
            .get(&lun)
            .ok_or(NoSuchUnit { lun })?
            .note_change();
        self.changed = true;
        Ok(())
    }

    /// Whether the guest has to be told, once.
    pub(super) fn take_change(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The guest could not be told yet.
    pub(super) fn keep_change(&mut self) {
        self.changed = true;
    }

    pub(super) fn note_failure(&mut self, lun: u8, failure: Failure) {
        if self.faults.len() < FAULTS_KEPT {
            self.faults.push(failure.at(lun));
        }
    }

    pub(super) fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }
}
