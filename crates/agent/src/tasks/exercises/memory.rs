//! Filling memory, reading it, and once more inverted.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use detente_plan::protocol::MemoryStressed;

use crate::sysfs;
use crate::task_error::TaskError;
use crate::tasks::Limits;
use crate::tasks::exercise_disk::elapsed_ms;

/// Kept back to report.
const RESERVE: Duration = Duration::from_secs(3);
const WORD_BYTES: u64 = 8;
const MAX_WORKERS: usize = 8;
/// How often the time is looked at, in words: 16 MiB.
const PIECE_WORDS: usize = 1 << 21;
/// Who is to be ended first when memory is short after all: this worker, and nothing of the guest's.
const FIRST_TO_GO: &str = "900";

/// Fills and reads, with a thread for each processor.
pub(super) fn run(
    root: &Path,
    (percent, most_bytes): (u8, u64),
    seed: u64,
    spoil: bool,
    limits: &Limits,
) -> Result<MemoryStressed, TaskError> {
    let _ = fs::write("/proc/self/oom_score_adj", FIRST_TO_GO);
    let (begun, kills) = (Instant::now(), oom_kills(root));
    let available_bytes = available(&sysfs::text(root.join("proc/meminfo")));
    let share = available_bytes / 100 * u64::from(percent.min(90));
    let wanted = usize::try_from(share.min(most_bytes) / WORD_BYTES).unwrap_or(0);
    let mut words: Vec<u64> = Vec::new();
    let missing = |_| TaskError::Missing {
        what: format!("room for {} bytes", wanted.saturating_mul(8)),
    };
    words.try_reserve_exact(wanted).map_err(missing)?;
    words.resize(wanted, 0);
    let mut seen = MemoryStressed {
        available_bytes,
        bytes: u64::try_from(wanted)
            .unwrap_or(0)
            .saturating_mul(WORD_BYTES),
        ..MemoryStressed::default()
    };
    for inverted in [0, u64::MAX] {
        if !each(&mut words, limits, |at, word| {
            *word = pattern(seed, at) ^ inverted
        }) {
            break;
        }
        if spoil && let Some(word) = words.get_mut(wanted / 2) {
            *word ^= 1 << 17;
        }
        let wrong = std::sync::atomic::AtomicU64::new(0);
        let whole = each(&mut words, limits, |at, word| {
            if *word != pattern(seed, at) ^ inverted {
                wrong.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        });
        seen.wrong_words = seen.wrong_words.saturating_add(wrong.into_inner());
        if !whole {
            break;
        }
        seen.passes = seen.passes.saturating_add(1);
    }
    seen.oom_kills = oom_kills(root).saturating_sub(kills);
    seen.elapsed_ms = elapsed_ms(begun);
    Ok(seen)
}

/// Visits every word, in threads; says whether there was time for all.
fn each(words: &mut [u64], limits: &Limits, visit: impl Fn(u64, &mut u64) + Sync) -> bool {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let share = words.len().div_ceil(workers.min(MAX_WORKERS)).max(1);
    let visit = &visit;
    std::thread::scope(|scope| {
        let threads: Vec<_> = words
            .chunks_mut(share)
            .zip(0_u64..)
            .map(|(part, number)| {
                let first = number.saturating_mul(share as u64);
                scope.spawn(move || visit_part(part, first, limits, visit))
            })
            .collect();
        threads
            .into_iter()
            .all(|thread| thread.join().unwrap_or(false))
    })
}

fn visit_part(
    part: &mut [u64],
    first: u64,
    limits: &Limits,
    visit: &(impl Fn(u64, &mut u64) + Sync),
) -> bool {
    let mut at = first;
    for piece in part.chunks_mut(PIECE_WORDS) {
        if limits.left(RESERVE).is_zero() {
            return false;
        }
        for word in piece {
            visit(at, word);
            at = at.wrapping_add(1);
        }
    }
    true
}

/// What a word is to hold: every one something else, and each address line shows.
fn pattern(seed: u64, at: u64) -> u64 {
    let mixed = (seed ^ at).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// `MemAvailable`, in bytes; 0 if it cannot be read.
fn available(meminfo: &str) -> u64 {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0).saturating_mul(1024)
}

/// How many programs the kernel has ended for want of memory since it was started.
fn oom_kills(root: &Path) -> u64 {
    let counters = sysfs::text(root.join("proc/vmstat"));
    let count = counters
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok());
    count.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_in(spoil: bool) -> MemoryStressed {
        let place = tempfile::tempdir().unwrap();
        let proc = place.path().join("proc");
        fs::create_dir(&proc).unwrap();
        fs::write(
            proc.join("meminfo"),
            "MemTotal: 9 kB\nMemAvailable:    8192 kB\n",
        )
        .unwrap();
        fs::write(proc.join("vmstat"), "nr_free_pages 1\noom_kill 3\n").unwrap();
        let limits = Limits {
            end: Instant::now() + Duration::from_secs(600),
            output_bytes: 0,
        };
        run(place.path(), (50, 1 << 30), 7, spoil, &limits).unwrap()
    }

    #[test]
    fn half_of_what_is_there_is_filled_and_read_twice() {
        let seen = run_in(false);
        assert_eq!((seen.available_bytes, seen.bytes), (8 << 20, 4_194_296));
        assert_eq!((seen.passes, seen.wrong_words, seen.oom_kills), (2, 0, 0));
    }

    #[test]
    fn a_flipped_bit_is_found_each_time() {
        assert_eq!(run_in(true).wrong_words, 2);
    }

    #[test]
    fn no_time_is_no_pass() {
        let limits = Limits {
            end: Instant::now(),
            output_bytes: 0,
        };
        assert!(!each(&mut [0; 3], &limits, |_, _| ()));
    }
}
