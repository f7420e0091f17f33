//! A lab that is kept warm: it outlives the command that started it, until it is told to end.
//!
//! There is no daemon of ours: QEMU itself listens in a folder that only its user may enter.
//! Whoever uses the lab holds a lock there. A lab that was killed leaves dead sockets behind,
//! which the next look at it finds and clears away.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::arguments::Size;
use super::place::{MONITOR, Place, Taken};
use super::qemu::{self, Life};
use super::running::Lab;
use super::{LabHost, size_for};
use crate::HostError;

/// The folder of the warm lab, below our folder for sockets.
const FOLDER: &str = "lab";

/// What is written of a lab that is up.
const DOCUMENT: &str = "lab.json";

/// What a lab that is kept warm is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmLab {
    /// [`WarmLab::SCHEMA`].
    pub schema: String,
    /// The version of détente that started it.
    pub version: String,
    /// SHA-256 of the programs that run in it, hex: another build's lab would not be what a run
    /// says of itself.
    pub programs: String,
    /// The release of its kernel.
    pub kernel: String,
    /// Where that kernel comes from.
    pub kernel_origin: String,
    /// The largest guest that fits.
    pub guest_memory_mib: u64,
    /// Its own memory.
    pub memory_mib: u64,
    /// Its processors.
    pub processors: u32,
    /// The folder with its sockets and logs.
    pub folder: String,
}

impl WarmLab {
    /// The name of the document.
    pub const SCHEMA: &str = "detente/lab/1";
}

/// How the lab stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// There is none.
    Down,
    /// There was one, which ended without being told to; what it left was cleared away.
    Died,
    /// It waits for a guest.
    Idle(WarmLab),
    /// It has a guest, or is being started or ended.
    Busy(Option<WarmLab>),
}

/// What became of a wish to have a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Up {
    /// It was booted.
    Booted(WarmLab),
    /// It was up already.
    Already(WarmLab),
    /// Somebody else uses, starts or ends it.
    Busy(Option<WarmLab>),
}

/// What became of a wish to have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Down {
    /// It was ended.
    Ended,
    /// There was none.
    None,
    /// Somebody uses it.
    Busy,
}

/// How the lab stands.
///
/// # Errors
/// [`HostError`] when its folder cannot be looked at.
pub fn status(runtime: &Path) -> Result<Status, HostError> {
    let Some(place) = take(runtime)? else {
        return Ok(Status::Busy(read(runtime)));
    };
    Ok(look(&place, runtime))
}

/// Boots a lab for guests of so much memory, unless one is up.
///
/// # Errors
/// [`HostError`]; nothing runs then.
pub fn up(host: &LabHost, guest_memory_mib: u64) -> Result<Up, HostError> {
    let runtime = &host.options.runtime;
    let Some(place) = take(runtime)? else {
        return Ok(Up::Busy(read(runtime)));
    };
    if let Status::Idle(lab) = look(&place, runtime) {
        return Ok(Up::Already(lab));
    }
    // One that was left in the middle of its start.
    if let Ok(monitor) = place.connect(MONITOR) {
        qemu::quit(&place, monitor)?;
    }
    let size = size_for(guest_memory_mib);
    let lab = Lab::boot(&host.order(size), place, Life::Warm)?;
    let document = WarmLab {
        schema: WarmLab::SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        programs: host.options.programs.sha256(),
        kernel: lab.hello.kernel.clone(),
        kernel_origin: host.kernel.origin.clone(),
        guest_memory_mib,
        memory_mib: size.memory_mib,
        processors: size.processors,
        folder: lab.place.folder().display().to_string(),
    };
    let written = serde_json::to_vec_pretty(&document)
        .map_err(io::Error::other)
        .and_then(|bytes| fs::write(lab.place.file(DOCUMENT), bytes));
    match written {
        Ok(()) => Ok(Up::Booted(document)),
        Err(source) => {
            drop(lab);
            down(runtime)?;
            let action = "writing down what the lab is";
            Err(HostError::Io { action, source })
        }
    }
}

/// Ends the lab.
///
/// # Errors
/// [`HostError`] when it does not end.
pub fn down(runtime: &Path) -> Result<Down, HostError> {
    let Some(place) = take(runtime)? else {
        return Ok(Down::Busy);
    };
    let Ok(monitor) = place.connect(MONITOR) else {
        place.empty();
        return Ok(Down::None);
    };
    qemu::quit(&place, monitor)?;
    Ok(Down::Ended)
}

/// The warm lab, if one is idle, with our programs and the kernel that we would have booted, and
/// large enough.
pub(super) fn borrow(host: &LabHost, size: Size) -> Option<Lab> {
    let runtime = &host.options.runtime;
    let place = take(runtime).ok().flatten()?;
    let Status::Idle(document) = look(&place, runtime) else {
        return None;
    };
    let serves = document.programs == host.options.programs.sha256()
        && document.kernel == host.kernel.release
        && document.memory_mib >= size.memory_mib;
    if !serves {
        return None;
    }
    let monitor = place.connect(MONITOR).ok()?;
    let size = Size {
        processors: document.processors,
        memory_mib: document.memory_mib,
    };
    // One that does not answer is for `status` to tell of: a new lab serves as well.
    Lab::connect(place, monitor, size).ok()
}

/// The lab's folder, unless somebody holds it.
fn take(runtime: &Path) -> Result<Option<Place>, HostError> {
    match Place::take(&runtime.join(FOLDER)) {
        Ok(place) => Ok(Some(place)),
        Err(Taken::Held) => Ok(None),
        Err(Taken::Io(source)) => Err(HostError::Io {
            action: "taking the lab's folder",
            source,
        }),
    }
}

/// How a lab stands whose folder we hold.
fn look(place: &Place, runtime: &Path) -> Status {
    let written = read(runtime);
    if place.connect(MONITOR).is_ok() {
        return match written {
            Some(document) => Status::Idle(document),
            // It was left in the middle of its start.
            None => Status::Busy(None),
        };
    }
    let died = place.file(MONITOR).exists();
    place.empty();
    if died { Status::Died } else { Status::Down }
}

fn read(runtime: &Path) -> Option<WarmLab> {
    let bytes = fs::read(runtime.join(FOLDER).join(DOCUMENT)).ok()?;
    let document: WarmLab = serde_json::from_slice(&bytes).ok()?;
    (document.schema == WarmLab::SCHEMA).then_some(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_lab_down_has_nothing_to_do() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(status(root.path()).unwrap(), Status::Down);
        assert_eq!(down(root.path()).unwrap(), Down::None);
    }

    #[test]
    fn a_lab_that_was_killed_is_noticed_and_cleared_away() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(FOLDER);
        fs::create_dir_all(&folder).unwrap();
        // A socket that nobody listens on any more.
        drop(std::os::unix::net::UnixListener::bind(folder.join(MONITOR)).unwrap());
        fs::write(folder.join(DOCUMENT), "{}").unwrap();
        assert_eq!(status(root.path()).unwrap(), Status::Died);
        assert!(!folder.join(MONITOR).exists() && !folder.join(DOCUMENT).exists());
        assert_eq!(status(root.path()).unwrap(), Status::Down);
    }

    #[test]
    fn a_lab_that_somebody_holds_is_busy() {
        let root = tempfile::tempdir().unwrap();
        let held = Place::take(&root.path().join(FOLDER)).unwrap();
        assert_eq!(status(root.path()).unwrap(), Status::Busy(None));
        assert_eq!(down(root.path()).unwrap(), Down::Busy);
        drop(held);
        assert_eq!(down(root.path()).unwrap(), Down::None);
    }
}
