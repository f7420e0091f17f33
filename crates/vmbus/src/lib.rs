//! Hyper-V's synthetic bus and its devices as an engine: no KVM, no threads and no clock of its own.
//!
//! A [`Bus`] has [`Device`]s. What a guest posts and signals goes into the bus, messages and
//! interrupts come out of it; devices exchange packets with the guest through a [`Channel`].
//! Whoever owns the bus brings the guest's memory ([`GuestMemory`]), the interrupt line
//! ([`Interrupts`]) and the time ([`Now`]), and calls the bus from one thread at a time. Here a
//! guest that is not there, as tests have it, talks to a device that answers what it is told:
//!
//! ```
//! use detente_vmbus::fake_guest::FakeGuest;
//! use detente_vmbus::{Channel, Device, DeviceError, Guid, Now, Offer, Outgoing, OutgoingKind, Sent};
//!
//! const CLASS: Guid = Guid::new(0xba61_63d9_04a1_4d29_b605_72e2_ffb1_dc7f);
//!
//! struct Echo;
//!
//! impl Device for Echo {
//!     fn offer(&self) -> Offer {
//!         let instance = Guid::new(1);
//!         Offer { class: CLASS, instance, flags: 1, mmio_mib: 0, user_data: [0; 120] }
//!     }
//!
//!     fn opened(&mut self, _channel: &mut dyn Channel, _now: Now) -> Result<(), DeviceError> {
//!         Ok(())
//!     }
//!
//!     fn closed(&mut self) {}
//!
//!     fn service(&mut self, channel: &mut dyn Channel, _now: Now) -> Result<(), DeviceError> {
//!         while let Some(packet) = channel.receive()? {
//!             let sent = channel.send(&Outgoing {
//!                 kind: OutgoingKind::Completion,
//!                 transaction: packet.transaction,
//!                 wants_completion: false,
//!                 payload: &packet.payload,
//!             })?;
//!             assert_eq!(sent, Sent::Done, "a device keeps what does not fit, and sends it later");
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let mut guest = FakeGuest::new();
//! guest.offer(Box::new(Echo));
//! assert_eq!(guest.connect().to_string(), "5.3");
//! let channel = guest.open(CLASS, 4);
//! assert_eq!(guest.request(channel, b"anything"), b"anything");
//! guest.unload();
//! ```
//!
//! The guest's memory is hostile: it is copied before it is parsed, every length, page and offset
//! is checked, and what the guest can make us keep is bounded ([`Bus`] says by what). A device
//! whose guest breaks a rule rests until its channel is opened again; the others go on.
//!
//! What is not here: protocol 6.0, versions before 3.0 (Windows Server 2012 R2), which are refused
//! as real hosts refuse them, sub-channels, and monitor pages.
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
pub mod netvsc;
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
