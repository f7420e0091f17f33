//! How far it is, for whoever watches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::ConvertError;

/// Watches a conversion, and may end it.
pub trait Progress: Sync {
    /// Is told each time that some more is done, from several threads, perhaps thousands of times a
    /// second.
    fn advanced(&self, amount: Amount);

    /// Whether to stop. Asked about as often.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn advanced(&self, _amount: Amount) {}
}

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Bytes are moved.
    Moving,
    /// The result is brought to stable storage; nothing is counted.
    Flushing,
    /// The result is compared with the source.
    Verifying,
}

/// How much of a stage is done. Only bytes that have to be moved or read count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// What is going on.
    pub stage: Stage,
    /// So many bytes are done.
    pub done_bytes: u64,
    /// Of so many.
    pub total_bytes: u64,
    /// Since the stage began.
    pub elapsed: Duration,
}

impl Amount {
    /// How many bytes a second were done so far; none in the first moments.
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<u64> {
        let millis = self.elapsed.as_millis();
        let per_second = u128::from(self.done_bytes) * 1000 / Some(millis).filter(|ms| *ms > 0)?;
        u64::try_from(per_second).ok().filter(|rate| *rate > 0)
    }

    /// How long the rest takes at that rate.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let rest = self.total_bytes.saturating_sub(self.done_bytes);
        let millis = u128::from(rest) * 1000 / u128::from(self.bytes_per_second()?);
        Some(Duration::from_millis(u64::try_from(millis).ok()?))
    }
}

/// Counts for a watcher.
pub(crate) struct Watch<'a> {
    progress: &'a dyn Progress,
    stage: Stage,
    done: AtomicU64,
    total: u64,
    start: Instant,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(progress: &'a dyn Progress, stage: Stage, total: u64) -> Self {
        let watch = Self {
            progress,
            stage,
            done: AtomicU64::new(0),
            total,
            start: Instant::now(),
        };
        watch.add(0);
        watch
    }

    /// So many more bytes are done.
    pub(crate) fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed);
        self.progress.advanced(Amount {
            stage: self.stage,
            done_bytes: done.saturating_add(bytes).min(self.total),
            total_bytes: self.total,
            elapsed: self.start.elapsed(),
        });
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.progress.cancelled()
    }

    /// An error if it is to stop.
    pub(crate) fn check(&self) -> Result<(), ConvertError> {
        if self.is_cancelled() {
            return Err(ConvertError::Cancelled);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_are_those_so_far() {
        let amount = |done_bytes, millis| Amount {
            stage: Stage::Moving,
            done_bytes,
            total_bytes: 4000,
            elapsed: Duration::from_millis(millis),
        };
        assert_eq!(amount(1000, 500).bytes_per_second(), Some(2000));
        assert_eq!(
            amount(1000, 500).time_left(),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(amount(0, 500).time_left(), None);
        assert_eq!(amount(1000, 0).time_left(), None);
        assert_eq!(amount(4000, 10).time_left(), Some(Duration::ZERO));
    }
}
