//! netvsc: an Ethernet adapter behind a channel, as Linux's hv_netvsc drives it.
//!
//! The guest speaks NVSP ([`NvspVersion`]) on the channel: it lends a buffer to receive into and one
//! to send from, and then carries RNDIS messages, which carry Ethernet frames. There is one queue
//! and no offload: checksums are the guest's own work. What the guest sends comes out of the
//! [`Handle`], and what its owner puts in goes to the guest; both ways are bounded, and what does
//! not fit is lost, as on a wire.
//!
//! ```
//! use detente_vmbus::{Guid, netvsc};
//!
//! let options = netvsc::Options::new(Guid::new(1), netvsc::Mac::of_guest([1, 2, 3]));
//! let (adapter, handle) = netvsc::new(options);
//! assert_eq!(options.mac.to_string(), "00:15:5d:01:02:03");
//! assert_eq!(handle.pop_frame(), None);
//! # drop(adapter);
//! ```

mod data;
mod device;
pub(crate) mod exercise;
mod fields;
mod filter;
mod gather;
mod handle;
mod lent;
mod nvsp;
mod oid;
mod options;
mod outbox;
mod rndis;
mod sections;
#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails"
)]
mod tests;

pub use device::Netvsc;
pub use handle::{Counters, Handle, Link, Refused, Stage};
pub use options::{Mac, NvspVersion, Options};

/// The longest payload of a frame; said to the guest, which keeps to it.
pub const MTU: u32 = 1500;

/// The longest frame: the header with a VLAN tag, and the payload.
pub const MAX_FRAME_BYTES: usize = 1518;

/// The shortest frame: a header.
pub const MIN_FRAME_BYTES: usize = 14;

/// An adapter, and the handle of its owner.
#[must_use]
pub fn new(options: Options) -> (Netvsc, Handle) {
    let handle = Handle::default();
    (Netvsc::new(options, handle.clone()), handle)
}
