//! The guest's kernel is crashed, so that the platform can be told.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::{Limits, hypervisor};
use crate::sysfs;
use crate::task_error::{Doing as _, TaskError};

/// Whose guests have the bus whose driver tells.
const HYPERV: &str = "Microsoft Hv";

const RESERVE: Duration = Duration::from_secs(1);

/// Waits for the driver that tells the platform, and pulls the trigger. Comes back only when the
/// kernel did not crash.
pub(super) fn run(limits: &Limits) -> TaskError {
    let bus = "/sys/bus/vmbus/devices";
    let has_bus = hypervisor::run(Path::new("/")).vendor == HYPERV;
    while has_bus && sysfs::names(bus, 1).is_empty() && !limits.left(RESERVE).is_zero() {
        sleep(Duration::from_millis(100));
    }
    let trigger = Path::new("/proc/sysrq-trigger");
    // Whoever writes to it may crash, whatever `kernel.sysrq` allows to keyboards.
    let written = std::fs::write(trigger, b"c").doing("write to /proc/sysrq-trigger");
    written.err().unwrap_or(TaskError::Missing {
        what: "the crash".to_owned(),
    })
}
