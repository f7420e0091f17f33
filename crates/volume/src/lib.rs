//! Partition tables and read-only file systems inside a disk.
//!
//! [`scan`] lists the volumes of a disk (GPT, MBR, or the whole disk as one) and says in
//! [`Volume::content`] what each holds; [`survey`] also says what was wrong with the table.
//! [`open`] gives a [`FileSystem`] for those that we read: ext2, ext3, ext4, XFS, btrfs, FAT12,
//! FAT16, FAT32, ISO 9660. [`Btrfs`] has the subvolumes of one, which may lie on several volumes.
//! [`ext4_state`] and [`xfs_state`] tell a clean shutdown.
//!
//! Everything reads by position and can be used by many threads; a file is a [`BlockRead`] too.
//! Nothing is ever written: the journal of an ext4, XFS or btrfs that was not unmounted is replayed
//! in memory.
//! Disks are hostile: each loop, depth and allocation has a limit.
//!
//! ```
//! use std::sync::Arc;
//! use detente_block::{BlockRead, MemoryBackend};
//! use detente_volume::{Content, FileKind, TableKind, open, scan};
//!
//! let image = std::fs::File::open("tests/images/fat12.img.zst")?;
//! let bytes = zstd::decode_all(image)?;
//! let disk: Arc<dyn BlockRead> = Arc::new(MemoryBackend::new(bytes));
//! let (table, volumes) = scan(&disk)?;
//! assert_eq!(table, TableKind::None);
//! assert!(matches!(&volumes[0].content, Content::Fat { label, .. } if label == "TINY"));
//!
//! let fs = open(&volumes[0])?;
//! assert_eq!(fs.metadata("/boot")?.kind, FileKind::Directory);
//! assert_eq!(fs.read("/boot/loader.conf", 4096)?, b"timeout 3\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`BlockRead`]: detente_block::BlockRead
#![forbid(unsafe_code)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic
)]
#![cfg_attr(
    test,
    expect(clippy::as_conversions, reason = "tests build their own input")
)]

mod assembly;
mod btrfs;
mod content;
mod date;
mod exercise;
mod ext4;
mod fat;
mod fields;
mod filesystem;
mod iso;
mod luks;
mod lvm2;
mod mdraid;
mod names;
mod pages;
mod table;
mod walk;
mod xfs;

pub use assembly::{Assembled, AssembledKind, Assembly, Member, assemble};
pub use btrfs::{Btrfs, Subvolume};
pub use content::Content;
#[doc(hidden)]
pub use exercise::exercise;
pub use ext4::{Ext4State, ext4_state};
pub use filesystem::{DirEntry, FileKind, FileSystem, FsError, Metadata, open};
pub use iso::{IsoNames, IsoState, iso_state};
pub use luks::{Luks, luks_facts};
pub use table::{ScanError, Survey, TableKind, Volume, scan, survey};
pub use xfs::{XfsLog, XfsState, open_xfs, xfs_state};
