//! The document `detente/doctor/1` (docs/schemas/doctor-1.json).

use detente_host::Acceleration;
use serde::Serialize;

use super::findings;
use super::look::{Qemu, Seen};

/// What this machine can do.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) schema: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) version: &'static str,
    pub(crate) machine: MachineSeen,
    pub(crate) qemu: Option<QemuSeen>,
    pub(crate) checks: Vec<Check>,
    pub(crate) profiles: Vec<ProfileState>,
    pub(crate) not_needed: Vec<&'static str>,
}

/// Whether validation can run here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Fine,
    Bad,
    CouldNotTell,
}

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// There.
    Fine,
    /// Validation runs, but slower or proving less.
    Lacking,
    /// Without it validation does not run.
    Missing,
    /// Could not be looked at.
    Unknown,
}

/// This machine.
#[derive(Debug, Serialize)]
pub(crate) struct MachineSeen {
    pub(crate) architecture: String,
    pub(crate) kernel: String,
    pub(crate) memory_available_bytes: Option<u64>,
    pub(crate) run_folder: Option<String>,
    pub(crate) disk_free_bytes: Option<u64>,
}

/// The QEMU that was found.
#[derive(Debug, Serialize)]
pub(crate) struct QemuSeen {
    pub(crate) program: String,
    pub(crate) version: String,
    pub(crate) package: Option<String>,
    pub(crate) acceleration: Acceleration,
    pub(crate) acceleration_proof: String,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    pub(crate) id: &'static str,
    pub(crate) state: State,
    pub(crate) message: String,
    pub(crate) remedy: Option<Remedy>,
}

/// How to get something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Remedy {
    pub(crate) sentence: &'static str,
    pub(crate) commands: Vec<Command>,
}

/// A command for one kind of system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Command {
    pub(crate) system: &'static str,
    pub(crate) packages: Vec<&'static str>,
    pub(crate) command: String,
}

/// A hardware profile, and whether it can be shown here.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ProfileState {
    pub(crate) name: &'static str,
    pub(crate) state: State,
    pub(crate) hardware: &'static str,
    pub(crate) needs: Vec<&'static str>,
    pub(crate) missing: Vec<&'static str>,
}

/// What people expect to need.
const NOT_NEEDED: &[&str] = &[
    "qemu-img: image files are read, and overlays made, by this program",
    "libvirt: machines are started by this program",
    "root: only the remedies above may need it",
    "a network: the guest talks to a service inside this program",
];

impl Report {
    /// What follows from what was seen.
    pub(crate) fn of(seen: &Seen) -> Self {
        let profiles = findings::profiles(seen);
        let checks = findings::checks(seen);
        Self {
            schema: "detente/doctor/1",
            verdict: verdict(&checks),
            version: env!("CARGO_PKG_VERSION"),
            machine: MachineSeen {
                architecture: seen.architecture.clone(),
                kernel: seen.kernel.clone(),
                memory_available_bytes: seen.memory_available_bytes,
                run_folder: seen
                    .run_folder
                    .as_ref()
                    .map(|path| path.display().to_string()),
                disk_free_bytes: seen.disk_free_bytes,
            },
            qemu: qemu(&seen.qemu),
            checks,
            profiles,
            not_needed: NOT_NEEDED.to_vec(),
        }
    }
}

/// Something missing is certain, and weighs more than what could not be looked at.
fn verdict(checks: &[Check]) -> Verdict {
    let any = |state| checks.iter().any(|check| check.state == state);
    if any(State::Missing) {
        return Verdict::Bad;
    }
    if any(State::Unknown) {
        return Verdict::CouldNotTell;
    }
    Verdict::Fine
}

fn qemu(qemu: &Qemu) -> Option<QemuSeen> {
    let Qemu::Works { facts, .. } = qemu else {
        return None;
    };
    Some(QemuSeen {
        program: facts.program.display().to_string(),
        version: facts.version.clone(),
        package: facts.package.clone(),
        acceleration: facts.acceleration,
        acceleration_proof: facts.acceleration_proof.clone(),
    })
}
