//! The hostile exerciser over the corpus and over seeded mutations of sound images, a module for
//! each way in which they are spoilt.
//!
//! `detente_samples::Seeds` says for how long all parts together mutate, and what replays a failure:
//! of one part, so filter by its name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "says which file failed")]

#[path = "../support/mod.rs"]
mod support;
#[path = "../vhd_support/mod.rs"]
mod vhd_support;
#[path = "../vhdx_support/mod.rs"]
mod vhdx_support;
#[path = "../vmdk_support/mod.rs"]
mod vmdk_support;

mod qcow2;
mod vhd_vmdk;
mod vhdx;

/// How many parts share the time.
const PARTS: u32 = 3;
