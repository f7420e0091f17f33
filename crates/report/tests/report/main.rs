//! The report of a real run, of spoiled copies of it and of hostile ones.
#![expect(clippy::unwrap_used, reason = "a test panics")]

mod difference;
mod folder;
mod page;
mod support;
mod tap;
