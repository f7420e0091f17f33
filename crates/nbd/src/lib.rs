//! Serves a disk over NBD at a Unix socket: read-only, writable, or with writes that are thrown away.
//!
//! NBD is the protocol by which QEMU and other programs use a disk of another process. Whoever
//! connects gets the bytes that a [`BlockRead`](detente_block::BlockRead) yields, whatever file
//! format they come from, and which of them are known to be zero. The rules are those of
//! [the protocol's document](https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md),
//! whose sections the code cites; there is no TLS, and one export, the default one.
//!
//! A client is hostile: it can end its own connection, and no other. What it may cost is bounded
//! ([`MAX_CONNECTIONS`], [`MAX_REQUEST_BYTES`]).
//!
//! ```
//! use std::io::Cursor;
//! use std::sync::Arc;
//!
//! use detente_block::MemoryBackend;
//! use detente_nbd::{Ended, Export, serve};
//!
//! let export = Export::read_only(Arc::new(MemoryBackend::new(vec![7; 512])));
//! // A client that speaks the protocol's flags, and hangs up.
//! let mut said = Vec::new();
//! let ended = serve(Cursor::new([0, 0, 0, 3]), &mut said, &export)?;
//! assert_eq!(ended, Ended::HungUp);
//! assert_eq!(&said[..16], b"NBDMAGICIHAVEOPT");
//! # Ok::<(), detente_nbd::SessionError>(())
//! ```
#![forbid(unsafe_code)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]

mod changes;
mod export;
mod handshake;
mod hostile;
mod option;
mod place;
mod read;
mod reply;
mod request;
mod server;
mod session;
mod spec;
mod status;
mod transmission;
mod wire;

pub use export::Export;
#[doc(hidden)]
pub use hostile::exercise;
pub use server::{MAX_CONNECTIONS, Server};
pub use session::{Ended, SessionError, serve};
pub use spec::MAX_REQUEST_BYTES;
