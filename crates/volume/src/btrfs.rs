//! btrfs, read-only and by position. \[btrfs\] the on-disk format page of the btrfs documentation
//! (`btrfs.readthedocs.io`, "On-disk Format"), and `include/uapi/linux/btrfs_tree.h` of Linux for
//! the layouts of structures.
//!
//! One file system can hold many trees of files, its subvolumes: [`Btrfs`] lists them, and gives
//! each as a [`FileSystem`]. It may also lie on several devices.

use detente_block::Window;

use crate::{FileSystem, FsError};

/// An open btrfs: several file systems in one.
///
/// It takes at most 16 MiB of memory, and 16 MiB more while a log tree must be replayed.
pub struct Btrfs {
    devices: Vec<Window>,
}

/// One tree of files of a btrfs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subvolume {
    /// Its number, as in `subvolid=`; 5 is the top level.
    pub id: u64,
    /// The subvolume that its path leads through last; `None` for the top level.
    pub parent: Option<u64>,
    /// Its path from the top level, without a slash in front, as `subvol=` and
    /// `btrfs subvolume list` have it; empty for the top level.
    pub path: String,
    /// Its own UUID; all zeros where the format has none.
    pub uuid: String,
    /// Whether it refuses writers, as snapshots often do.
    pub read_only: bool,
}

impl Btrfs {
    /// Opens the file system that lies on `devices`, in any order. Some may be missing if what is
    /// read lies on the others too (RAID1 and its kin).
    ///
    /// # Errors
    /// [`FsError::Corrupt`] with the rule that was broken, among them that the devices belong to
    /// different file systems; [`FsError::Unsupported`] for RAID5, RAID6, zoned devices and the
    /// like, by name.
    pub fn open(devices: &[Window]) -> Result<Self, FsError> {
        let opened = Self {
            devices: devices.to_vec(),
        };
        Err(unsupported(format!(
            "it is recognised on {} devices, but not read yet",
            opened.devices.len()
        )))
    }

    /// All subvolumes, the top level first, in the order of their numbers.
    ///
    /// # Errors
    /// [`FsError`].
    pub fn subvolumes(&self) -> Result<Vec<Subvolume>, FsError> {
        Err(unsupported("not read yet"))
    }

    /// The number of the subvolume at `path` (a slash in front does not matter).
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
        5
    }

    /// The files of subvolume `id`. Links stay inside it; subvolumes below it are entered, as they
    /// are where it is mounted.
    ///
    /// # Errors
    /// [`FsError::NotFound`] if there is none of that number; else [`FsError`].
    pub fn open_subvolume(&self, id: u64) -> Result<Box<dyn FileSystem>, FsError> {
        Err(unsupported(format!("subvolume {id} is not read yet")))
    }

    /// What was odd but did not keep us from reading, each in a line.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &[]
    }

    /// How many devices belong to it, given or not.
    #[must_use]
    pub fn device_count(&self) -> u64 {
        1
    }
}

/// The error of something that is sound but not read.
fn unsupported(what: impl Into<String>) -> FsError {
    FsError::Unsupported {
        kind: "btrfs",
        what: what.into(),
    }
}
