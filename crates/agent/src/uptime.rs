//! Time since boot, suspended time included.

use rustix::time::{ClockId, clock_gettime};

/// Milliseconds since boot.
pub(crate) fn uptime_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds
        .saturating_mul(1000)
        .saturating_add(nanoseconds / 1_000_000)
}
