//! Whole guests, on file systems in memory.

pub(crate) mod machine;
mod outcomes;
