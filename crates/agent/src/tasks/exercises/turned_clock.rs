//! A clock that is turned back, to see whether somebody puts it right.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use detente_plan::protocol::ClockTurned;
use rustix::time::{ClockId, Timespec, clock_gettime, clock_settime};

use crate::task_error::{Doing as _, TaskError};
use crate::tasks::{Limits, guest_clock};

/// Kept back to put the clock right and to report.
const RESERVE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(100);
const NANOS: i128 = 1_000_000_000;
const NANOS_IN_MS: i128 = 1_000_000;

/// Turns it back, waits, and puts it right if nobody has.
pub(super) fn run(
    by_s: u32,
    within_ms: u32,
    for_ms: u64,
    limits: &Limits,
) -> Result<ClockTurned, TaskError> {
    let mut seen = ClockTurned {
        keepers: guest_clock::run(Path::new("/")).keepers,
        ..ClockTurned::default()
    };
    // How far the wall clock is from the time since boot is what must come back.
    let right = difference();
    let back = right.saturating_sub(i128::from(by_s).saturating_mul(NANOS));
    set(back).doing("turn the clock back")?;
    let offset = || difference().saturating_sub(right) / NANOS_IN_MS;
    // The kernel took it. Somebody may have put it right before we look.
    seen.turned = true;
    let began = since_boot();
    let most = Duration::from_millis(for_ms).min(limits.left(RESERVE));
    let waited = || {
        Duration::from_nanos(u64::try_from(since_boot().saturating_sub(began)).unwrap_or(u64::MAX))
    };
    while seen.corrected_ms.is_none() && waited() < most {
        if offset().abs() <= i128::from(within_ms) {
            seen.corrected_ms = u64::try_from(waited().as_millis()).ok();
        } else {
            sleep(LOOK);
        }
    }
    if offset().abs() > i128::from(within_ms) {
        set(right).doing("put the clock right")?;
    }
    seen.offset_ms = i64::try_from(offset()).unwrap_or(i64::MAX);
    Ok(seen)
}

/// The wall clock minus the time since boot.
fn difference() -> i128 {
    nanos(ClockId::Realtime).saturating_sub(since_boot())
}

fn since_boot() -> i128 {
    nanos(ClockId::Boottime)
}

fn nanos(clock: ClockId) -> i128 {
    let now = clock_gettime(clock);
    i128::from(now.tv_sec)
        .saturating_mul(NANOS)
        .saturating_add(now.tv_nsec.into())
}

/// Sets the wall clock so far from the time since boot.
fn set(difference: i128) -> rustix::io::Result<()> {
    clock_settime(
        ClockId::Realtime,
        timespec(difference.saturating_add(since_boot())),
    )
}

fn timespec(nanos: i128) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(nanos.div_euclid(NANOS)).unwrap_or(0),
        tv_nsec: i64::try_from(nanos.rem_euclid(NANOS)).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_nanoseconds() {
        for (nanos, seconds, rest) in [
            (0, 0, 0),
            (1_500_000_001, 1, 500_000_001),
            (-1, -1, 999_999_999),
        ] {
            let time = timespec(nanos);
            assert_eq!((time.tv_sec, time.tv_nsec), (seconds, rest), "{nanos}");
        }
    }

    #[test]
    fn the_wall_clock_is_far_from_the_time_since_boot() {
        // 2020-01-01: no machine has been on since 1970.
        assert!(difference() > 1_577_836_800 * NANOS - since_boot());
    }
}
