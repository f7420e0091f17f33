//! The lab's programs, as they are embedded in this one.

use super::Programs;

/// The lab's first process.
const INIT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/detente-lab-init"));

/// The Hyper-V-compatible machine.
const MACHINE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/detente-hyperv"));

impl Programs {
    /// The programs that were built with this one.
    #[must_use]
    pub fn embedded() -> Self {
        Self {
            init: INIT.into(),
            machine: MACHINE.into(),
        }
    }
}
