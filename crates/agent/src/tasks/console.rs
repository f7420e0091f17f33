//! A line on the first serial port.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use detente_plan::protocol::{ConsoleLine, Observation};
use rustix::fs::{CWD, Mode, OFlags, makedev};
use rustix::io::Errno;

use super::Done;
use crate::shelter;
use crate::sysfs;
use crate::task_error::{Doing as _, TaskError};

/// 4, 64: Documentation/admin-guide/devices.txt.
const NUMBERS: (u32, u32) = (4, 64);
const PATIENCE: Duration = Duration::from_secs(2);
const MAX_HOLD: Duration = Duration::from_secs(3600);

/// Writes the line and keeps the port open. The port's settings are the guest's and stay.
pub(super) fn run(line: &str, hold_ms: u64) -> Result<Done, TaskError> {
    let held_by = holders();
    shelter::device("ttyS0", NUMBERS.0, NUMBERS.1).doing("make /dev/ttyS0")?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let port =
        rustix::fs::openat(CWD, "/dev/ttyS0", flags, Mode::empty()).doing("open /dev/ttyS0")?;
    let text = format!("{line}\n");
    let (mut rest, end) = (text.as_bytes(), Instant::now() + PATIENCE);
    while !rest.is_empty() && Instant::now() < end {
        match rustix::io::write(&port, rest) {
            Ok(bytes) => rest = rest.get(bytes..).unwrap_or_default(),
            Err(Errno::AGAIN | Errno::INTR) => std::thread::sleep(Duration::from_millis(10)),
            Err(error) => return Err(error).doing("write to /dev/ttyS0"),
        }
    }
    let observation = Observation::ConsoleLine(ConsoleLine {
        written: rest.is_empty(),
        held_by,
    });
    Ok(Done {
        observation,
        hold: Duration::from_millis(hold_ms).min(MAX_HOLD),
        held: Some(port),
    })
}

/// The names of the processes that have the port open. By its numbers, since each mount
/// namespace has a path of its own to it.
fn holders() -> Vec<String> {
    let port = makedev(NUMBERS.0, NUMBERS.1);
    let mut names = BTreeSet::new();
    for process in sysfs::names("/proc", 10_000) {
        let descriptors = format!("/proc/{process}/fd");
        let holds = sysfs::names(&descriptors, 4096).iter().any(|fd| {
            fs::metadata(format!("{descriptors}/{fd}")).is_ok_and(|file| file.rdev() == port)
        });
        if holds && process.bytes().all(|byte| byte.is_ascii_digit()) {
            names.insert(sysfs::text(format!("/proc/{process}/comm")));
        }
    }
    names.into_iter().collect()
}
