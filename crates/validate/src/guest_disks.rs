//! Where the guest's disks are while its machine is on.

use std::path::{Path, PathBuf};

use detente_plan::judge::SnapshotRoot;
use detente_volume::{XfsLog, ext4_state, scan, xfs_state};

use crate::chain::{files, open_known};
use crate::request::Request;

/// The guest's disks, as its machine has them in a folder.
#[derive(Debug, Clone, Default)]
pub(crate) struct GuestDisks {
    /// How many there are.
    pub(crate) count: usize,
    /// The one with the root, where that is on one alone.
    pub(crate) root: Option<RootDisk>,
}

/// The disk with the root.
#[derive(Debug, Clone)]
pub(crate) struct RootDisk {
    /// Its number, from 0.
    pub(crate) number: usize,
    /// The partition.
    pub(crate) partition: u32,
    /// What takes its writes.
    pub(crate) overlay: PathBuf,
    /// What lies below that, the top one first.
    pub(crate) below: Vec<PathBuf>,
    /// The disk's length.
    pub(crate) len_bytes: u64,
}

impl GuestDisks {
    /// The disks of a request, with their overlays in `work`.
    pub(crate) fn new(request: &Request<'_>, work: &Path) -> Self {
        let place = &request.guest.facts().root;
        let root = place.disk().and_then(|number| {
            let disk = request.disks.get(number)?;
            Some(RootDisk {
                number,
                partition: place.partition,
                overlay: overlay(work, number),
                below: files(disk),
                len_bytes: disk.image.reader.len_bytes(),
            })
        });
        Self {
            count: request.disks.len(),
            root,
        }
    }
}

/// The overlay that takes the writes of a disk.
pub(crate) fn overlay(work: &Path, number: usize) -> PathBuf {
    work.join(format!("disk{number}.overlay"))
}

/// The overlay that takes them after a snapshot.
pub(crate) fn above(overlay: &Path) -> PathBuf {
    overlay.with_extension("above.overlay")
}

/// How the root looks in a snapshot.
pub(crate) fn snapshot_root(root: &RootDisk) -> SnapshotRoot {
    let unread = SnapshotRoot::Unread("cannot be read on this disk");
    let Some(disk) = open_known(&root.overlay, &root.below) else {
        return unread;
    };
    let Ok((_, volumes)) = scan(&disk) else {
        return unread;
    };
    let Some(volume) = volumes
        .iter()
        .find(|volume| volume.number == root.partition)
    else {
        return unread;
    };
    if let Ok(state) = ext4_state(&volume.window) {
        return match (state.errors, state.needs_recovery) {
            (true, _) => SnapshotRoot::Errors,
            (false, true) => SnapshotRoot::Journal,
            (false, false) => SnapshotRoot::Clean,
        };
    }
    match xfs_state(&volume.window) {
        Ok(state) if state.needs_repair => SnapshotRoot::Errors,
        Ok(state) => match state.log {
            XfsLog::Clean => SnapshotRoot::Clean,
            XfsLog::Replayed { .. } => SnapshotRoot::Journal,
            // Not replayed, and whatever else may be said of it some day.
            _ => SnapshotRoot::Errors,
        },
        Err(_) => SnapshotRoot::Unread("is of a kind whose state cannot be told"),
    }
}
