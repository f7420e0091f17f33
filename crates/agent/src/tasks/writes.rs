//! Writes to the root file system, again and again, while it may be frozen.

use std::time::{Duration, Instant};

use detente_plan::protocol::Writes;
use rustix::fs::{CWD, Mode, OFlags};

use super::Limits;
use crate::task_error::{Doing as _, TaskError};

/// Writes after the one that was long enough, before the task ends.
const AFTERWARDS: u64 = 5;

/// Between two writes.
const PAUSE: Duration = Duration::from_millis(100);

const RESERVE: Duration = Duration::from_secs(1);

/// Writes for a while; the file has no name, so nothing of it stays behind.
pub(super) fn run(for_ms: u64, enough_ms: u64, limits: &Limits) -> Result<Writes, TaskError> {
    let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
    let file = rustix::fs::openat(CWD, "/var/tmp", flags, Mode::RUSR | Mode::WUSR)
        .doing("make a file without a name in /var/tmp")?;
    let end = Instant::now() + Duration::from_millis(for_ms).min(limits.left(RESERVE));
    let mut seen = Writes {
        count: 0,
        longest_ms: 0,
        after_longest: 0,
    };
    while Instant::now() < end {
        let begun = Instant::now();
        rustix::io::pwrite(&file, &seen.count.to_le_bytes(), 0).doing("write")?;
        rustix::fs::fsync(&file).doing("sync")?;
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        seen.count = seen.count.saturating_add(1);
        seen.after_longest = seen.after_longest.saturating_add(1);
        if took > seen.longest_ms {
            seen.longest_ms = took;
            seen.after_longest = 0;
        }
        if seen.longest_ms >= enough_ms && seen.after_longest >= AFTERWARDS {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    Ok(seen)
}
