//! btrfs, read-only and by position. \[btrfs\] the on-disk format page of the btrfs documentation
//! (`btrfs.readthedocs.io`, "On-disk Format"), and `include/uapi/linux/btrfs_tree.h` of Linux for
//! the layouts of structures.
//!
//! Everything is an item with a key in some tree. Trees lie in a logical address space, which
//! chunks lay out on devices. Reading goes from the superblock over the chunks to the tree of
//! roots, and from there to the tree of a subvolume. Every tree block is checked against its
//! checksum, and against what led to it; another copy is taken where there is one. The checksums
//! of files' contents are not.

mod checksum;
mod chunk;
mod compression;
mod device;
mod dir_item;
mod directory;
mod extents;
mod file;
mod file_extent;
mod filesystem;
mod inode_item;
mod inode_ref;
mod key;
mod log;
mod lzo;
mod node;
mod root_item;
mod root_ref;
mod space;
mod subvolume;
mod superblock;
mod tree;

use std::collections::HashMap;
use std::sync::Arc;

use detente_block::Window;

use self::device::Devices;
use self::extents::Unpacked;
use self::filesystem::SubvolumeFiles;
use self::inode_item::Inode;
use self::log::Log;
use self::space::Space;
pub use self::subvolume::Subvolume;
use crate::names::Names;
use crate::walk::Walked;
use crate::{FileSystem, FsError};

/// An open btrfs: several trees of files in one.
///
/// It takes at most 16 MiB of memory, and 16 MiB more where a log must be looked through.
pub struct Btrfs {
    core: Arc<Core>,
    default: u64,
    notes: Vec<String>,
}

/// What all subvolumes share.
struct Core {
    space: Space,
    /// Logs by subvolume.
    logs: HashMap<u64, Log>,
    /// By each directory: its subvolume and its inode.
    names: Names<(u64, u64), Inode>,
    unpacked: Unpacked,
}

impl Btrfs {
    /// Opens the file system that lies on `devices`, in any order. Some may be missing if what is
    /// read lies on the others too (RAID1 and its kin). A log of what was synced after the last
    /// commit is looked through, as if Linux had replayed it.
    ///
    /// # Errors
    /// [`FsError::Corrupt`] with the rule that was broken, among them that the devices belong to
    /// different file systems; [`FsError::Unsupported`] for RAID5, RAID6, zoned devices and the
    /// like, by name.
    pub fn open(devices: &[Window]) -> Result<Self, FsError> {
        let (devices, superblock, mut notes) = Devices::open(devices)?;
        let space = Space::open(devices, superblock)?;
        let missing = space.missing_devices();
        if missing > 0 {
            notes.push(format!("{missing} of its devices were not given"));
        }
        let core = Arc::new(Core {
            logs: log::load(&space)?,
            space,
            names: Names::default(),
            unpacked: Unpacked::default(),
        });
        Ok(Self {
            default: core.default_subvolume()?,
            core,
            notes,
        })
    }

    /// All subvolumes, the top level first, in the order of their numbers; those that are being
    /// deleted are left out.
    ///
    /// # Errors
    /// [`FsError`].
    pub fn subvolumes(&self) -> Result<Vec<Subvolume>, FsError> {
        self.core.subvolumes()
    }

    /// The number of the subvolume at `path` (slashes around it do not matter).
    ///
    /// # Errors
    /// [`FsError`].
    pub fn subvolume_at(&self, path: &str) -> Result<Option<u64>, FsError> {
        let wanted = path.trim_matches('/');
        let found = self.subvolumes()?;
        let found = found.into_iter().find(|known| known.path == wanted);
        Ok(found.map(|known| known.id))
    }

    /// The subvolume that is mounted where none is named.
    #[must_use]
    pub fn default_subvolume(&self) -> u64 {
        self.default
    }

    /// The files of subvolume `id`. Links stay inside it; subvolumes below it are entered, as they
    /// are where it is mounted.
    ///
    /// # Errors
    /// [`FsError::NotFound`] if there is none of that number; else [`FsError`].
    pub fn open_subvolume(&self, id: u64) -> Result<Box<dyn FileSystem>, FsError> {
        let found = self.core.space.root_item(id)?;
        let found = found.filter(|root| root_item::is_subvolume(id) && !root.is_deleted);
        let root = found.ok_or_else(|| FsError::NotFound {
            path: format!("subvolume {id}"),
        })?;
        Ok(Box::new(Walked(Arc::new(SubvolumeFiles {
            core: self.core.clone(),
            tree: root.tree,
        }))))
    }

    /// What was odd but did not keep us from reading, each in a line.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// How many devices belong to it, given or not.
    #[must_use]
    pub fn device_count(&self) -> u64 {
        self.core.space.superblock.devices
    }
}

/// The error of a broken rule.
fn corrupt(rule: impl Into<String>) -> FsError {
    FsError::Corrupt {
        kind: "btrfs",
        rule: rule.into(),
    }
}

/// The error of something that is sound but not read.
fn unsupported(what: impl Into<String>) -> FsError {
    FsError::Unsupported {
        kind: "btrfs",
        what: what.into(),
    }
}
