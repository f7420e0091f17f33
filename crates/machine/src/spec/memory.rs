//! Memory, fixed or moving.

use serde::{Deserialize, Serialize};

/// The machine's memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// What the guest has when it starts.
    pub startup_bytes: u64,
    /// What it may have later.
    #[serde(default)]
    pub range: MemoryRange,
}

impl Memory {
    /// The most that the guest can ever have.
    #[must_use]
    pub fn maximum_bytes(&self) -> u64 {
        match self.range {
            MemoryRange::Fixed => self.startup_bytes,
            MemoryRange::Balloon { maximum_bytes } => maximum_bytes,
            MemoryRange::Dynamic(dynamic) => dynamic.maximum_bytes,
        }
    }
}

/// What memory a running guest may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MemoryRange {
    /// What it started with.
    #[default]
    Fixed,
    /// Up to this much, if somebody lets a balloon down: KVM's way.
    Balloon {
        /// What the guest is built for; it starts with the balloon up.
        maximum_bytes: u64,
    },
    /// The host gives and takes by need: Hyper-V's way.
    Dynamic(DynamicMemory),
}

/// Hyper-V's dynamic memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DynamicMemory {
    /// The least that the guest is left with.
    pub minimum_bytes: u64,
    /// The most that it is given.
    pub maximum_bytes: u64,
    /// What is kept ready beyond its need, in percent.
    pub buffer_percent: u32,
    /// Who comes first where memory is short, from 0 to 100.
    pub priority: u32,
}
