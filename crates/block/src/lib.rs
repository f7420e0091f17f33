//! Positional reads and writes over files and memory, and the gate that guards which files may be opened.
//!
//! A [`BlockRead`] is a span of bytes that can be read anywhere, by many threads at once: a file,
//! a piece of memory, a window into another one, the guest's view of a disk image. It can also say
//! which ranges are known to be zero without reading them ([`BlockRead::next_extent`]).
//!
//! A [`BlockWrite`] is a disk that can be written too; an [`Overlay`] makes one of any [`BlockRead`],
//! which it never writes.
//!
//! A [`Gate`] is the caller's say over which further files an image may name (backing files);
//! [`DirectoryGate`] is the one for everyday use, [`ListGate`] the one for a chain that is known.
//! [`content_digest()`] says whether two disks hold the
//! same bytes, whatever file formats carry them.
//!
//! ```
//! use std::sync::Arc;
//! use detente_block::{BlockRead, MemoryBackend, Window};
//!
//! let disk: Arc<dyn BlockRead> = Arc::new(MemoryBackend::new(b"boot sector, root".to_vec()));
//! let root = Window::new(disk, 13, 4)?;
//! let mut bytes = [0; 4];
//! root.read_exact_at(0, &mut bytes)?;
//! assert_eq!(&bytes, b"root");
//! # Ok::<(), detente_block::ReadError>(())
//! ```
#![forbid(unsafe_code)]

mod causes;
mod compare;
mod content_digest;
mod cores;
mod data_chunks;
mod directory_gate;
mod file;
mod gate;
mod list_gate;
mod memory;
mod memory_disk;
mod overlay;
mod raw_digest;
mod read;
mod window;
mod writable_file;
mod write;
mod write_protected;
mod written_map;

pub use causes::with_causes;
pub use compare::{CompareError, Comparison, Side, compare};
pub use content_digest::{ContentDigest, content_digest};
pub use directory_gate::DirectoryGate;
pub use file::FileBackend;
pub use gate::{ClosedGate, Gate, GateError, Opened};
pub use list_gate::ListGate;
pub use memory::MemoryBackend;
pub use memory_disk::MemoryDisk;
pub use overlay::Overlay;
pub use raw_digest::raw_digest;
pub use read::{BlockRead, Extent, ExtentKind, ReadError};
pub use window::Window;
pub use writable_file::WritableFile;
pub use write::{BlockWrite, WriteError};
pub use write_protected::WriteProtected;
