//! Ring buffers in the guest's memory: the host's side of a channel's pair of them.
//!
//! One GPADL holds both rings. Each begins with a control page and goes on with whole pages of
//! data; indices are offsets into the data, multiples of eight. Whoever writes a word may change
//! it at any time, so the words that are ours are kept here and never read back, and packets are
//! copied out whole before they are parsed.
//!
//! How a bus serves a channel:
//!
//! ```ignore
//! let mut rings = RingPair::open(memory, range, open.host_to_guest_page)?;
//! loop {
//!     rings.begin_drain()?;             // the guest need not signal now
//!     device.service(&mut channel, now)?; // calls rings.receive() and rings.send()
//!     if !rings.end_drain()? {          // true: something came meanwhile, and no signal will tell
//!         break;                        // (or come back later: how often at once is the bus's limit)
//!     }
//! }
//! if rings.take_signal() {
//!     // set the channel's event flag, raise the interrupt
//! }
//! ```
//!
//! `end_drain` is also false when the device stopped before the end without having taken anything,
//! or because it found no room: the device, or the guest's signal, is then what continues.

mod control;
mod error;
mod layout;
mod pair;
mod parse;
mod reader;
mod writer;

pub use error::{Index, RingError};
pub use pair::RingPair;
