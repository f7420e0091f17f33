//! The cases of the integration services: what the machine asks the guest's drivers and daemons.

mod asking;
mod freezing;
mod heartbeat;
mod key_values;
mod keyboard;
mod offered;

pub(super) use asking::{Refusal, service};
pub(super) use freezing::freezing;
pub(super) use heartbeat::heartbeat;
pub(super) use key_values::key_values;
pub(super) use keyboard::keyboard;
pub(super) use offered::offered;
