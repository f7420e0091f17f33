//! What a host and the process of the Hyper-V-compatible machine say to each other.
//!
//! One stream of bytes carries everything, framed ([`Kind`], [`encode`], [`FrameReader`]): a local
//! socket where the machine runs on this host's KVM, a virtio-serial port where it runs in the
//! lab. The machine speaks first ([`Event::Hello`]); the host answers with [`Command::Start`].
//!
//! ```
//! use detente_machine::hyperv::{Command, FrameReader, Kind, Order, encode, encode_json};
//!
//! let mut stream = encode_json(Kind::Control, &Order { id: 1, command: Command::Status })?;
//! stream.extend(encode(Kind::ConsoleInput, b"root\n")?);
//!
//! let mut reader = FrameReader::default();
//! reader.feed(&stream);
//! let frame = reader.next_frame()?.expect("it is whole");
//! let order: Order = serde_json::from_slice(&frame.body)?;
//! assert_eq!(order.id, 1);
//! assert_eq!(reader.next_frame()?.expect("so is this").kind, Kind::ConsoleInput);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod command;
mod config;
mod event;
mod frame;

pub use command::{Command, KvpRequest, Order};
pub use config::{
    Controller, CpuidProfile, DiskConfig, FileSpan, IntegrationConfig, MachineConfig,
    NetworkConfig, VmbusVersion,
};
pub use event::{Answer, BusEvent, Ending, Event, KvpRecord};
pub use frame::{
    FRAME_LIMIT_BYTES, Frame, FrameError, FrameReader, HEADER_BYTES, Kind, encode, encode_json,
};

/// The version of the protocol; a machine and a host of different versions refuse each other.
pub const PROTOCOL: u32 = 1;
