//! A guest that is not there, for tests: it behaves like Linux's driver.
//!
//! [`Memory`] alone is enough for whoever tests against [`crate::GuestMemory`].
#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "a rig for tests: its numbers are its own, and a wrong test may panic"
)]

mod memory;
mod ring;
mod ring_packet;

pub use memory::Memory;
pub use ring::{GuestRings, Wrote};
pub use ring_packet::{GuestPacket, HostPacket};
