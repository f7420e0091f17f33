//! What no input may do to a reader: make it panic, keep it long, or make it take much memory.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// No input may keep a reader longer. A debug build computes up to twenty times as long.
pub const MOST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 1 });

/// Runs what reads one input, and returns how long that took.
///
/// # Panics
/// Where it panicked, or took longer than [`MOST`]; the message says `what` the input was.
pub fn harmless(what: &str, read: impl Fn()) -> Duration {
    let run = || {
        let outcome = catch_unwind(AssertUnwindSafe(&read));
        assert!(outcome.is_ok(), "{what} makes the reader panic");
    };
    let start = Instant::now();
    run();
    let took = start.elapsed();
    if took <= MOST {
        return took;
    }
    // The machine may have stood still meanwhile: what the processor worked on it counts.
    let before = worked();
    run();
    let took = match (before, worked()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        (None | Some(_), None) | (None, Some(_)) => took,
    };
    assert!(took <= MOST, "{what} keeps the reader for {took:?}");
    took
}

/// How long this thread was on a processor, where the system says so. Linux,
/// `Documentation/scheduler/sched-stats.rst`: the first number, in nanoseconds.
fn worked() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

/// Checks that this process never had more memory, where the system says so, and prints how much
/// it had.
///
/// # Panics
/// Where it had more.
pub fn took_at_most_kib(most: u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let peak = peak.unwrap_or(0);
    eprintln!("memory: {peak} KiB of at most {most}");
    assert!(peak <= most, "{peak} KiB were used");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quick_is_harmless() {
        assert!(harmless("nothing", || ()) < MOST);
    }

    #[test]
    #[should_panic(expected = "a bomb makes the reader panic")]
    fn what_panics_is_not() {
        harmless("a bomb", || panic!("bang"));
    }

    #[test]
    fn work_is_counted_where_the_system_says_so() {
        let (start, before) = (Instant::now(), worked());
        // It is counted when the clock ticks.
        while before.is_some() && worked() == before && start.elapsed() < MOST {
            std::hint::spin_loop();
        }
        assert!(before.is_none() || worked() > before);
    }

    #[test]
    fn memory_is_looked_at() {
        took_at_most_kib(u64::MAX);
        let none = catch_unwind(|| took_at_most_kib(0));
        // Where the system does not say, nothing is known.
        assert_eq!(none.is_err(), fs::exists("/proc/self/status").unwrap());
    }
}
