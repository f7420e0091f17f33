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

use crate::Fault;

/// One disk of the guest.
pub struct DiskInput {
    /// Where the top file is.
    pub path: PathBuf,
    /// The opened image.
    pub image: Image,
}

/// What a run is asked for.
pub struct Request<'a> {
    /// The guest's disks, the boot disk first.
    pub disks: Vec<DiskInput>,
    /// What they hold.
    pub guest: &'a Guest,
    /// The plan.
    pub plan: Plan,
    /// The hardware profiles, in order; not empty.
    pub profiles: Vec<Profile>,
    /// The folder to write; must not exist.
    pub out: PathBuf,
    /// Whether the overlays are kept in the folder.
    pub keep: bool,
    /// Faults to put in on purpose.
    pub faults: Vec<Fault>,
    /// The plan's limit for a boot, replaced (already scaled).
    pub boot_limit: Option<Duration>,
    /// The plan's limit for a shutdown, replaced (already scaled).
    pub shutdown_limit: Option<Duration>,
    /// This program.
    pub tool: ToolRecord,
    /// Where machines run.
    pub host: &'a dyn Host,
    /// Set from outside to end the run early.
    pub interrupt: Arc<AtomicBool>,
}
