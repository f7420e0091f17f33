//! For how long, or how often, a hostile exerciser tries mutations.
//!
//! | variable | says |
//! |---|---|
//! | `DETENTE_HOSTILE_SECONDS` | for how long (2 by default) |
//! | `DETENTE_HOSTILE_COUNT` | how many seeds instead |
//! | `DETENTE_HOSTILE_SEED` | the first seed (0 by default); without a count it is the only one |

use std::time::{Duration, Instant};

/// When the seeds are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Time(Instant),
    Count(u64),
}

/// The seeds of one exerciser, one after another. When it goes it says how many there were, and
/// after a panic which one was the last.
#[derive(Debug)]
pub struct Seeds {
    name: String,
    first: u64,
    tried: u64,
    until: Until,
}

impl Seeds {
    /// The seeds that the environment wants, or what fits into this part of the seconds.
    #[must_use]
    pub fn of_environment(name: &str, parts: u32) -> Self {
        let setting = |name: &str| std::env::var(name).ok()?.parse().ok();
        let count = setting("DETENTE_HOSTILE_COUNT");
        let seconds = setting("DETENTE_HOSTILE_SECONDS").unwrap_or(2);
        let share = Duration::from_secs(seconds) / parts.max(1);
        let first = setting("DETENTE_HOSTILE_SEED");
        Self::new(name, first, count, share)
    }

    fn new(name: &str, first: Option<u64>, count: Option<u64>, share: Duration) -> Self {
        let until = match (first, count) {
            (_, Some(count)) => Until::Count(count),
            (Some(_), None) => Until::Count(1),
            (None, None) => Until::Time(Instant::now() + share),
        };
        Self {
            name: name.to_owned(),
            first: first.unwrap_or(0),
            tried: 0,
            until,
        }
    }
}

impl Iterator for Seeds {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let goes_on = match self.until {
            // One at least: a test that tried nothing has shown nothing.
            Until::Time(end) => self.tried == 0 || Instant::now() < end,
            Until::Count(count) => self.tried < count,
        };
        goes_on.then(|| {
            let seed = self.first.wrapping_add(self.tried);
            self.tried += 1;
            seed
        })
    }
}

impl Drop for Seeds {
    fn drop(&mut self) {
        let Self {
            name, first, tried, ..
        } = self;
        let last = first.wrapping_add(tried.saturating_sub(1));
        if std::thread::panicking() {
            eprintln!("{name}: replay with DETENTE_HOSTILE_SEED={last}");
        } else {
            eprintln!("{name}: {tried} seeds, {first} to {last}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(first: Option<u64>, count: Option<u64>, expect: &[u64]) {
        let seeds = Seeds::new("a test", first, count, Duration::ZERO);
        assert_eq!(seeds.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn a_seed_is_replayed_and_a_count_is_kept() {
        check(Some(7), None, &[7]);
        check(Some(7), Some(3), &[7, 8, 9]);
        check(None, Some(3), &[0, 1, 2]);
        check(Some(u64::MAX), Some(2), &[u64::MAX, 0]);
        check(None, Some(0), &[]);
    }

    #[test]
    fn without_either_there_is_one_at_least() {
        check(None, None, &[0]);
    }
}
