//! What time it is, for the bus.

use std::time::{Duration, Instant, SystemTime};

use detente_vmbus::Now;

use crate::kvm::Vm;

/// The machine's clock.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    started: Instant,
    vm: Vm,
}

impl Clock {
    /// A clock that starts now.
    pub(super) fn new(vm: Vm) -> Self {
        Self {
            started: Instant::now(),
            vm,
        }
    }

    /// Since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The time. Where the kernel does not tell the guest's counter, it is 0: then only what the
    /// guest makes of time messages is less exact.
    pub(super) fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Now {
            elapsed: self.started.elapsed(),
            wall: wall.unwrap_or_default(),
            reference: self.vm.reference_counter().unwrap_or(0),
        }
    }
}
