//! What a run is asked for.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use detente_disk::Image;
use detente_evidence::ToolRecord;
use detente_guest::Guest;
use detente_host::Host;
use detente_machine::Profile;
use detente_plan::Plan;

use crate::{Fault, OwnCase, Scope};

/// One disk of the guest.
pub struct DiskInput {
    /// Where the top file is.
    pub path: PathBuf,
    /// The opened image.
    pub image: Image,
}

/// One column of the result: a hardware profile, and the host that shows it.
#[derive(Clone, Copy)]
pub struct Column<'a> {
    /// The virtual hardware.
    pub profile: Profile,
    /// Where its machine runs.
    pub host: &'a dyn Host,
}

/// Where failures are reproduced.
pub enum Control<'a> {
    /// On this column.
    On(Column<'a>),
    /// Nowhere.
    NotToBeHad {
        /// The hardware profile that it would have been.
        profile: Profile,
        /// Why not, in words.
        reason: String,
    },
}

impl Control<'_> {
    /// The hardware profile.
    #[must_use]
    pub fn profile(&self) -> Profile {
        match self {
            Self::On(column) => column.profile,
            Self::NotToBeHad { profile, .. } => *profile,
        }
    }
}

/// What a run is asked for.
pub struct Request<'a> {
    /// The guest's disks, the boot disk first.
    pub disks: Vec<DiskInput>,
    /// What they hold.
    pub guest: &'a Guest,
    /// The plan.
    pub plan: Plan,
    /// How much of it is run, and how often.
    pub scope: Scope,
    /// The user's own cases, run after those of the plan.
    pub own_cases: Vec<OwnCase>,
    /// The hardware profiles, in order, and where each is shown; not empty.
    pub profiles: Vec<Column<'a>>,
    /// Finds where a failed case is reproduced, if only one side's hardware was asked for; asked
    /// only when something failed.
    pub control: Option<&'a dyn Fn() -> Option<Control<'a>>>,
    /// The folder to write; must not exist.
    pub out: PathBuf,
    /// Whether the overlays are kept in the folder.
    pub keep: bool,
    /// A folder of the user's own for the sockets of a machine that is left up after a failure; none:
    /// no machine is.
    pub keep_on_failure: Option<PathBuf>,
    /// Faults to put in on purpose.
    pub faults: Vec<Fault>,
    /// The plan's limit for a boot, replaced (already scaled).
    pub boot_limit: Option<Duration>,
    /// The plan's limit for a shutdown, replaced (already scaled).
    pub shutdown_limit: Option<Duration>,
    /// What no case but the boot may exceed, whatever the plan says (already scaled).
    pub case_limit: Option<Duration>,
    /// This program.
    pub tool: ToolRecord,
    /// Set from outside to end the run early.
    pub interrupt: Arc<AtomicBool>,
}
