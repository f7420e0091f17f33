//! Wakes every processor when the host says so (see [`detente_machine::lab::Request::Pulse`]).

use std::io;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The thread that visits the processors.
pub(super) struct Pulse(SyncSender<()>);

impl Pulse {
    pub(super) fn start() -> io::Result<Self> {
        let (sender, beats) = sync_channel(1);
        let all = sched_getaffinity(None)?;
        std::thread::Builder::new()
            .name("pulse".to_owned())
            .spawn(move || beats.into_iter().for_each(|()| visit(&all)))?;
        Ok(Self(sender))
    }

    /// Has every processor visited, unless that is just being done.
    pub(super) fn beat(&self) {
        match self.0.try_send(()) {
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }
}

/// Goes to each processor: the kernel sends one that sleeps or is busy an interrupt.
fn visit(all: &CpuSet) {
    for processor in (0..CpuSet::MAX_CPU).filter(|&processor| all.is_set(processor)) {
        let mut one = CpuSet::new();
        one.set(processor);
        // A processor that went away needs no waking.
        let _ = sched_setaffinity(None, &one);
    }
    let _ = sched_setaffinity(None, all);
}
