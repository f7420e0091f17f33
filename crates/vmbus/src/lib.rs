//! Hyper-V's synthetic bus and its devices as an engine: no KVM, no threads and no clock of its own.
//!
//! ```
//! use detente_vmbus::Guid;
//!
//! let scsi = Guid::new(0xba61_63d9_04a1_4d29_b605_72e2_ffb1_dc7f);
//! assert_eq!(scsi.to_string(), "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f");
//! ```
//!
//! The guest's memory is hostile: it is copied before it is parsed, every length, page and offset
//! is checked, and what the guest can make us keep is bounded.
#![forbid(unsafe_code)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]

mod bus;
mod device;
#[doc(hidden)]
pub mod fake_guest;
mod guid;
pub mod heartbeat;
#[doc(hidden)]
pub mod hostile;
pub mod ic;
pub mod keyboard;
pub mod kvp;
mod memory;
mod packet;
mod pages;
mod protocol;
pub mod ring;
pub mod shutdown;
pub mod storvsc;
mod synic;
pub mod time_sync;
pub mod vss;

pub use bus::{Bus, BusEvent, BusOptions, CHANNEL_LIMIT, ChannelId, OfferError, UnknownChannel};
pub use device::{Channel, Device, DeviceError, Now, Offer, Sent};
pub use guid::Guid;
pub use memory::{GuestMemory, OutsideMemory, PAGE_BYTES};
pub use packet::{Outgoing, OutgoingKind, Packet, PacketKind};
pub use pages::{AccessError, PageRange, RangeError};
pub use protocol::Version;
pub use ring::{RingError, RingPair};
pub use synic::{HvStatus, Interrupts, SynicPages};
