//! Writes to the root file system, again and again, while it may be frozen.

use std::time::{Duration, Instant};

use detente_plan::protocol::{Write, Writes};
use rustix::fs::{CWD, Mode, OFlags};

use super::Limits;
use crate::task_error::{Doing as _, TaskError};
use crate::uptime::uptime_ms;

/// Writes after one that was long enough, before the task ends: some seconds, since that one may
/// have been slow for another reason than the one that is yet to come.
const AFTERWARDS: u64 = 50;

/// The longest writes that are told.
const KEPT: usize = 16;

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
        longest: Vec::new(),
    };
    let mut long_enough = None;
    while Instant::now() < end {
        let (begun, from_ms) = (Instant::now(), uptime_ms());
        rustix::io::pwrite(&file, &seen.count.to_le_bytes(), 0).doing("write")?;
        rustix::fs::fsync(&file).doing("sync")?;
        seen.count = seen.count.saturating_add(1);
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let number = seen.count;
        keep(
            &mut seen.longest,
            Write {
                number,
                from_ms,
                took_ms,
            },
        );
        if took_ms >= enough_ms {
            long_enough = Some(number);
        }
        if long_enough.is_some_and(|long| number.saturating_sub(long) >= AFTERWARDS) {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    Ok(seen)
}

/// Keeps a write if it is among the longest.
fn keep(longest: &mut Vec<Write>, write: Write) {
    longest.push(write);
    if longest.len() > KEPT {
        let shortest = (0..longest.len()).min_by_key(|at| longest.get(*at).map(|one| one.took_ms));
        longest.remove(shortest.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_writes_are_kept_in_their_order() {
        let mut longest = Vec::new();
        for number in 1..=40 {
            // 10, 20 and 30 are long; the others take as many milliseconds as their number.
            let took_ms = if number % 10 == 0 { 2000 } else { number };
            let from_ms = 100 * number;
            keep(
                &mut longest,
                Write {
                    number,
                    from_ms,
                    took_ms,
                },
            );
        }
        let numbers: Vec<u64> = longest.iter().map(|write| write.number).collect();
        let expected = [
            10, 20, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
        ];
        assert_eq!(numbers, expected);
    }
}
