//! Disks, end to end: a guest that behaves like Linux, the bus, the rings, the device, an overlay.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guest;
mod life;
mod model;
mod scan;
mod volume;
