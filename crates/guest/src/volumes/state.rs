//! Whether a volume was left in order.

use detente_block::{BlockRead as _, ReadError, Window};
use detente_volume::{Content, FsError, Volume, XfsLog, XfsState, ext4_state};

/// Whether the file system was not unmounted, where its format says; of an XFS [`dirty_xfs`] knows
/// it once it is open.
pub(super) fn dirty(volume: &Volume) -> Result<Option<bool>, FsError> {
    let window = &volume.window;
    let clean = match &volume.content {
        Content::Ext4 { .. } => ext4_state(window).map(|state| Some(state.clean)),
        Content::Fat { .. } => fat_is_clean(window).map_err(FsError::Read),
        Content::Btrfs { .. } => btrfs_is_clean(window).map_err(FsError::Read),
        _ => Ok(None),
    };
    match clean {
        Ok(clean) => Ok(clean.map(|clean| !clean)),
        Err(error @ FsError::Read(ReadError::Io { .. })) => Err(error),
        // What is damaged is said where it is opened.
        Err(_) => Ok(None),
    }
}

/// Whether an XFS was not unmounted. What cannot be seen for that reason is noted.
pub(super) fn dirty_xfs(state: &XfsState, note: impl FnOnce(String)) -> bool {
    if let XfsLog::NotReplayed { reason } = &state.log {
        note(format!(
            "its log could not be replayed, files may be seen as they were earlier: {reason}"
        ));
    }
    !state.clean
}

/// \[Linux\] `fat_boot_sector.state`: the lowest bit is set while it is mounted to be written to.
fn fat_is_clean(window: &Window) -> Result<Option<bool>, ReadError> {
    let mut sector = [0; 512];
    if window.len_bytes() < 512 {
        return Ok(None);
    }
    window.read_exact_at(0, &mut sector)?;
    // FAT32 has no short count of sectors of a table; its state stands further back.
    let at = if sector[22..24] == [0, 0] { 0x41 } else { 0x25 };
    Ok(sector.get(at).map(|state| state & 1 == 0))
}

/// \[btrfs\] `log_root`: what was synced after the last commit, to be replayed.
fn btrfs_is_clean(window: &Window) -> Result<Option<bool>, ReadError> {
    const LOG_ROOT_AT: u64 = 65_536 + 96;
    let mut log_root = [0; 8];
    window.read_exact_at(LOG_ROOT_AT, &mut log_root)?;
    Ok(Some(log_root == [0; 8]))
}
