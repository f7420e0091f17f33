//! Interrupt lines that remember.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::synic::Interrupts;

/// A line for each processor.
#[derive(Debug)]
pub struct Lines {
    raised: Vec<AtomicBool>,
    count: Vec<AtomicU64>,
}

impl Lines {
    /// Lines of so many processors.
    #[must_use]
    pub fn new(processors: u32) -> Self {
        Self {
            raised: (0..processors).map(|_| AtomicBool::new(false)).collect(),
            count: (0..processors).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Whether the line is raised; it is not any more.
    #[must_use]
    pub fn take(&self, vp: u32) -> bool {
        self.raised[vp as usize].swap(false, Ordering::SeqCst)
    }

    /// How often the line was raised.
    #[must_use]
    pub fn count(&self, vp: u32) -> u64 {
        self.count[vp as usize].load(Ordering::SeqCst)
    }
}

impl Interrupts for Lines {
    fn raise(&self, vp: u32) {
        self.raised[vp as usize].store(true, Ordering::SeqCst);
        self.count[vp as usize].fetch_add(1, Ordering::SeqCst);
    }
}
