//! Databases made by the package managers themselves, read and held against their own lists; then
//! the same with one field spoiled.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod rpm;
mod spoiled;
mod support;
mod texts;
