//! Whole guests, on file systems in memory.

mod flatcar;
pub(crate) mod machine;
pub(crate) mod memory;
mod outcomes;
