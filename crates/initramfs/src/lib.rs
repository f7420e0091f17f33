//! Initial RAM file systems, as the Linux kernel unpacks them: cpio archives one after another,
//! each plain or compressed, plus the two files they travel with: the unified kernel image and the
//! kernel's own boot header.
//!
//! Bytes in, entries out. Nothing is ever written to a disk: a name such as `../../etc/passwd` is
//! only a string here. Memory is bounded by [`DECODER_MEMORY_BYTES`] and a few buffers, whatever
//! the size of the initramfs; work is bounded by [`Limits`].
//!
//! Sources: Linux `Documentation/driver-api/early-userspace/buffer-format.rst`, and for what it
//! leaves open the behaviour of `init/initramfs.c` and `lib/decompress_*.c`; Linux
//! `Documentation/arch/x86/boot.rst`; the UAPI group's specification of unified kernel images; the
//! PE/COFF specification; RFC 8878 (zstd).
//!
//! ```
//! use std::io::Read;
//! use std::ops::ControlFlow;
//!
//! use detente_initramfs::{CpioWriter, Limits, append, walk};
//!
//! // A guest's own initramfs, and one more archive behind it.
//! let mut guest = CpioWriter::new();
//! guest.directory("etc", 0o755);
//! guest.file("etc/hostname", 0o644, b"payroll\n");
//! let mut ours = CpioWriter::new();
//! ours.file("detente-agent", 0o755, b"#!");
//! let initramfs = append(guest.finish(), &ours.finish());
//!
//! let mut names = Vec::new();
//! let mut hostname = String::new();
//! let segments = walk(initramfs.as_slice(), &Limits::default(), &mut |entry, data| {
//!     names.push(entry.name.clone());
//!     if entry.name == "etc/hostname" && data.read_to_string(&mut hostname).is_err() {
//!         return ControlFlow::Break(());
//!     }
//!     ControlFlow::Continue(())
//! })?;
//!
//! assert_eq!(names, ["etc", "etc/hostname", "detente-agent"]);
//! assert_eq!(hostname, "payroll\n");
//! assert_eq!(segments.len(), 2);
//! # Ok::<(), detente_initramfs::InitramfsError>(())
//! ```

#![forbid(unsafe_code)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]

mod archive;
mod block_reader;
mod compression;
mod decoder;
mod entry;
mod error;
mod exercise;
mod field;
mod header;
mod input;
pub mod kernel;
mod limits;
mod lz4_legacy;
mod lzop;
mod pe;
mod segment;
mod stream;
pub mod uki;
mod unpacked;
mod write;
mod zstd_window;

pub use block_reader::BlockReader;
pub use compression::Compression;
pub use decoder::DECODER_MEMORY_BYTES;
pub use entry::{Entry, EntryKind};
pub use error::{InitramfsError, Offset, Rule, Unsupported};
#[doc(hidden)]
pub use exercise::exercise;
pub use limits::{Limit, Limits};
pub use segment::{SegmentInfo, Visitor, probe, walk};
pub use stream::unpack_stream;
pub use write::{CpioWriter, append};
