//! A watchdog that is started and not fed.

use std::path::Path;

use detente_plan::protocol::Watchdog;
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::shelter;
use crate::sysfs;
use crate::task_error::{Doing as _, TaskError};

const CLASS: &str = "/sys/class/watchdog";

/// Opens the first one and closes it again. Linux, Documentation/watchdog/watchdog-api.rst: opening
/// starts it, and closing without the magic letter does not stop it.
pub(super) fn run() -> Result<Watchdog, TaskError> {
    let class = Path::new(CLASS);
    let Some(name) = first(class) else {
        return Ok(Watchdog::default());
    };
    let place = class.join(&name);
    let numbers = sysfs::text(place.join("dev"));
    if let Some((major, minor)) = numbers.split_once(':')
        && let (Ok(major), Ok(minor)) = (major.parse(), minor.parse())
    {
        shelter::device(&name, major, minor).doing("make the watchdog's device")?;
    }
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let watchdog = openat(CWD, format!("/dev/{name}"), flags, Mode::empty());
    drop(watchdog.doing("open the watchdog")?);
    Ok(Watchdog {
        identity: Some(sysfs::text(place.join("identity"))),
        timeout_s: sysfs::text(place.join("timeout")).parse().unwrap_or(0),
    })
}

fn first(class: &Path) -> Option<String> {
    sysfs::names(class, 64).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn the_first_one_is_taken() {
        let class = tempfile::tempdir().unwrap();
        assert_eq!(first(class.path()), None);
        for name in ["watchdog1", "watchdog0"] {
            std::fs::create_dir(class.path().join(name)).unwrap();
        }
        assert_eq!(first(class.path()).as_deref(), Some("watchdog0"));
    }
}
