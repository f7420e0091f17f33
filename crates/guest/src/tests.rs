//! Whole guests, on file systems in memory.

pub(crate) mod machine;
pub(crate) mod memory;
mod outcomes;
