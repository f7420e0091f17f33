//! What a guest that keeps no rule can do to us: each part of the engine, driven by any bytes.
//!
//! Every function takes what it does from the bytes alone, so that they replay what they broke.
//! Work is bounded by the bytes; a panic is a failure.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "a rig for tests: it may break on its own mistakes"
)]

mod bus;
mod bus_device;
mod bytes;
mod component;
mod ring;

pub use crate::netvsc::exercise::exercise as exercise_netvsc;
pub use crate::storvsc::exercise::exercise as exercise_storvsc;
pub use bus::{BusReach, exercise_bus};
pub use component::{exercise_component, exercise_kvp};
pub use ring::exercise_ring;
