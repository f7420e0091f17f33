//! Verdicts: what was seen, held against what was planned. One module per case; no I/O, no clock.

mod boot01;
mod boot02;
mod boot10;
mod con01;
mod cpu01;
mod drivers;
mod execution;
mod finding;
mod mem01;
mod net01;
mod net02;
mod pwr01;
mod rng01;
mod sto01;
mod sup05;
mod time01;

pub use boot01::{BootEnd, BootSeen, boot01};
pub use boot02::{AllowList, AllowListError, boot02};
pub use boot10::boot10;
pub use con01::{ConsoleSeen, con01};
pub use cpu01::cpu01;
pub use drivers::{MissingDriver, missing_drivers};
pub use execution::Execution;
pub use finding::Finding;
pub use mem01::mem01;
pub use net01::{NetworkExpected, net01};
pub use net02::{EchoSeen, net02};
pub use pwr01::{PowerSeen, pwr01};
pub use rng01::rng01;
pub use sto01::sto01;
pub use sup05::{Digests, sup05};
pub use time01::time01;
