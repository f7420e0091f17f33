//! Whether the guest left its root file system clean: read from the overlay after the power went off.

use std::path::{Path, PathBuf};

use detente_volume::{ext4_state, scan};

use crate::chain::open_known;

/// Whether partition `partition` of the disk in `overlay` is a cleanly unmounted file system;
/// `None` where that cannot be told (another kind of file system, unreadable).
pub(crate) fn root_is_clean(overlay: &Path, chain: &[PathBuf], partition: u32) -> Option<bool> {
    let disk = open_known(overlay, chain)?;
    let (_, volumes) = scan(&disk).ok()?;
    let root = volumes.iter().find(|volume| volume.number == partition)?;
    let state = ext4_state(&root.window).ok()?;
    Some(state.clean && !state.needs_recovery && !state.errors)
}
