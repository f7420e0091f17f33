//! The device, driven packet by packet through a script.

mod addressing;
mod answers;
mod differential;
mod hot;
mod session;
mod support;
mod transfers;
