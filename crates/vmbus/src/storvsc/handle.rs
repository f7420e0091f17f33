//! The owner's side of a controller.

use std::sync::Arc;

use detente_block::{BlockWrite, WriteError};

use super::fault::Fault;
use super::medium::Medium;
use super::units::{AttachError, NoSuchUnit, Shared};

/// By this the owner of a controller adds, removes and resizes disks.
///
/// After each change the owner calls the bus's `poke` for the channel: the guest is then told to
/// look again, which makes it test all units that it knows and scan for new ones.
#[derive(Clone)]
pub struct Handle {
    units: Shared,
}

/// Why a disk could not be made longer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResizeError {
    /// There is none.
    #[error(transparent)]
    NoSuchUnit(#[from] NoSuchUnit),
    /// The disk does not do it.
    #[error("the disk cannot be resized")]
    Disk(#[from] WriteError),
}

impl Handle {
    pub(super) fn new(units: Shared) -> Self {
        Self { units }
    }

    /// Adds a disk, also while the guest runs.
    ///
    /// # Errors
    /// [`AttachError`]; then nothing has changed.
    pub fn attach(&self, medium: Medium) -> Result<(), AttachError> {
        self.units.lock().attach(medium)
    }

    /// Takes a disk away, also while the guest runs; it finds out at its next request, or when it
    /// is told to look.
    ///
    /// # Errors
    /// [`NoSuchUnit`].
    pub fn remove(&self, lun: u8) -> Result<Arc<dyn BlockWrite>, NoSuchUnit> {
        let unit = self.units.lock().remove(lun)?;
        Ok(Arc::clone(&unit.disk))
    }

    /// Makes a disk longer, and has the guest told: its next request is answered with the unit
    /// attention *capacity data has changed*.
    ///
    /// # Errors
    /// [`ResizeError`]; then nothing has changed.
    pub fn resize(&self, lun: u8, len_bytes: u64) -> Result<(), ResizeError> {
        let unit = self.units.lock().get(lun).ok_or(NoSuchUnit { lun })?;
        unit.disk.grow(len_bytes)?;
        Ok(self.units.lock().note_change(lun)?)
    }

    /// The disk has another length, for a reason of its own: the guest is told as in
    /// [`Handle::resize`].
    ///
    /// # Errors
    /// [`NoSuchUnit`].
    pub fn resized(&self, lun: u8) -> Result<(), NoSuchUnit> {
        self.units.lock().note_change(lun)
    }

    /// What disks did wrong since the last time; of very many, the first 64.
    #[must_use]
    pub fn take_faults(&self) -> Vec<Fault> {
        self.units.lock().take_faults()
    }
}
