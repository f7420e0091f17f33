//! What is asked for.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use detente_disk::Target;
use detente_guest::Guest;
use detente_guest::prepare::{Journal, Plan};
use detente_host::Host;
use detente_machine::Profile;

use crate::DiskInput;

/// Where the prepared disks go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To a new file; where there are several disks, to files of a new folder.
    New {
        /// The file or folder; must not be there.
        path: PathBuf,
        /// What the disks become; without it each stays of its format.
        target: Option<Target>,
    },
    /// To where the images are. The old ones keep their bytes and get `.before` behind their names.
    InPlace,
}

/// What is done when the guest does not boot on the hardware that `check` says it supports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnBootFailure {
    /// The next hardware is tried; in the end, drivers from the guest's own disk are given to it
    /// for that one boot.
    #[default]
    TryNext,
    /// Nothing more is tried.
    Stop,
}

/// Finds the host that shows some hardware: asked only when it is wanted, and may take its time.
/// Gives the reason, in words, where there is none.
pub trait HostFinder {
    /// The host.
    ///
    /// # Errors
    /// Why there is none.
    fn find(&self, profile: Profile) -> Result<&dyn Host, String>;
}

/// What carrying out a plan and undoing it have in common.
pub struct Surroundings<'a> {
    /// Finds hosts.
    pub hosts: &'a dyn HostFinder,
    /// Where the disks go.
    pub destination: Destination,
    /// What is done when the guest does not boot.
    pub on_boot_failure: OnBootFailure,
    /// This program's version, for the journal.
    pub tool: String,
    /// Set from outside to end it early.
    pub interrupt: Arc<AtomicBool>,
}

/// What is asked for.
pub struct PrepareRequest<'a> {
    /// The guest's disks, the boot disk first.
    pub disks: Vec<DiskInput>,
    /// What they hold; looked at with the contents of its initramfs files.
    pub guest: &'a Guest,
    /// What is to be done.
    pub plan: Plan,
    /// The packages that the plan may name: their files on this machine.
    pub packages: Vec<PathBuf>,
    /// The rest.
    pub with: Surroundings<'a>,
}

/// What is to be undone.
pub struct UndoRequest<'a> {
    /// The prepared disks, in the journal's order.
    pub disks: Vec<DiskInput>,
    /// What they hold; looked at with the contents of its initramfs files.
    pub guest: &'a Guest,
    /// What was done to them.
    pub journal: Journal,
    /// The journal's folder.
    pub folder: PathBuf,
    /// The rest.
    pub with: Surroundings<'a>,
}
