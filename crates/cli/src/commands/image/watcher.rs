//! Watches the copy engine: how far it is, and whether the user wants it to end.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use detente_copy::{Amount, Progress, Stage};

use super::progress::Reading;

/// One image that is being made.
pub(in crate::commands) struct Watcher<'a> {
    cancel: &'a AtomicBool,
    stage: AtomicU8,
    done: AtomicU64,
    total: AtomicU64,
}

impl<'a> Watcher<'a> {
    /// `cancel` ends it.
    pub(in crate::commands) fn new(cancel: &'a AtomicBool) -> Self {
        Self {
            cancel,
            stage: AtomicU8::new(0),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
        }
    }

    /// What it does, in a word.
    fn what(&self) -> &'static str {
        match self.stage.load(Ordering::Relaxed) {
            0 => "copy",
            1 => "flush",
            _ => "verify",
        }
    }

    /// How many bytes of its stage are done, and of how many.
    fn amount(&self) -> (u64, u64) {
        let done = self.done.load(Ordering::Relaxed);
        (done, self.total.load(Ordering::Relaxed))
    }
}

impl Progress for Watcher<'_> {
    fn advanced(&self, amount: Amount) {
        let stage = match amount.stage {
            Stage::Moving => 0,
            Stage::Flushing => 1,
            Stage::Verifying => 2,
        };
        self.stage.store(stage, Ordering::Relaxed);
        self.done.store(amount.done_bytes, Ordering::Relaxed);
        self.total.store(amount.total_bytes, Ordering::Relaxed);
    }

    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}

/// All of them together.
pub(in crate::commands) fn reading(watchers: &[Watcher<'_>]) -> Reading {
    let (mut done, mut total, mut what) = (0_u64, 0_u64, "copy");
    for watcher in watchers {
        let amount = watcher.amount();
        done = done.saturating_add(amount.0);
        total = total.saturating_add(amount.1);
        // The last that was begun stands for all.
        if amount.1 > 0 {
            what = watcher.what();
        }
    }
    Reading {
        what: what.to_owned(),
        done,
        total,
    }
}
