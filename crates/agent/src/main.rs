//! The entry that the kernel calls as process 1, and that the agent calls as itself.
//!
//! It is C's `main` and not Rust's: before Rust's, the runtime opens `/dev/null` for each
//! standard descriptor that is closed, and aborts where it cannot. A kernel without a console
//! starts process 1 with all three closed and an empty `/dev`; an abort there is a panic.
#![no_main]
#![expect(
    unsafe_code,
    reason = "a symbol that the C runtime looks for must be named by hand"
)]

use std::ffi::{c_char, c_int};

// SAFETY: this crate is the whole program, so no other `main` exists to clash with, and the
// signature is the one that C demands of it.
#[unsafe(no_mangle)]
extern "C" fn main(_argc: c_int, _argv: *const *const c_char) -> c_int {
    detente_agent::run()
}
