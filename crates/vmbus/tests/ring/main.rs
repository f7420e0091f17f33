//! The rings: the host's side against the fake guest's, and against guests that break the rules.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod drain;
mod flow;
mod layout;
mod moments;
mod packets;
mod room;
mod spoiled;
mod support;
mod threads;
