//! Reading, switching and restoring the clock source.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use detente_plan::protocol::{Clock, ClockSwitch};
use rustix::time::{ClockId, clock_gettime};

use crate::sysfs;
use crate::task_error::TaskError;

const SLEEPS: u32 = 20;
const SLEEP: Duration = Duration::from_millis(10);
/// Readings between two sleeps, to catch a clock that goes back.
const READINGS: u32 = 50;
/// x86 has five.
const MAX_SOURCES: usize = 16;

/// Switches to each source below `root` and back.
pub(super) fn run(root: &Path) -> Result<Clock, TaskError> {
    let directory = root.join("sys/devices/system/clocksource/clocksource0");
    let current = directory.join("current_clocksource");
    let initial = sysfs::text(&current);
    if initial.is_empty() {
        return Err(TaskError::Missing {
            what: "the clock source".to_owned(),
        });
    }
    let available: Vec<String> = sysfs::text(directory.join("available_clocksource"))
        .split_whitespace()
        .take(MAX_SOURCES)
        .map(str::to_owned)
        .collect();
    let others = available.iter().filter(|source| **source != initial);
    let switches = others.map(|source| switch(&current, source)).collect();
    // What the kernel says afterwards is what we report, whether or not it let us.
    let _ = fs::write(&current, &initial);
    Ok(Clock {
        available,
        initial,
        switches,
        restored: sysfs::text(&current),
    })
}

fn switch(current: &Path, to: &str) -> ClockSwitch {
    let taken = fs::write(current, to).is_ok() && sysfs::text(current) == to;
    let before = now_ns();
    let mut last = before;
    let mut backwards = false;
    for _ in 0..SLEEPS {
        sleep(SLEEP);
        for _ in 0..READINGS {
            let now = now_ns();
            backwards |= now < last;
            last = now;
        }
    }
    let advanced_ns = u64::try_from(last.saturating_sub(before)).unwrap_or(0);
    ClockSwitch {
        to: to.to_owned(),
        taken,
        advanced_ns,
        backwards,
    }
}

/// `CLOCK_MONOTONIC`; not std's `Instant`, which would hide a clock that goes back.
fn now_ns() -> i128 {
    let now = clock_gettime(ClockId::Monotonic);
    i128::from(now.tv_sec)
        .saturating_mul(1_000_000_000)
        .saturating_add(i128::from(now.tv_nsec))
}
