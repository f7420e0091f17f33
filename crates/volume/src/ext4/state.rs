//! Whether a file system was left in order.

use detente_block::Window;

use super::corrupt;
use super::superblock::{OFFSET, incompat};
use crate::FsError;
use crate::fields::{le16, le32, read_if_inside};

/// `EXT4_VALID_FS`, `EXT4_ERROR_FS`, `EXT4_ORPHAN_FS` of `s_state`.
const VALID: u16 = 1;
const ERRORS: u16 = 2;
const ORPHANS: u16 = 4;

/// How a file system was left, from its superblock alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ext4State {
    /// It was unmounted (or made read-only) in order: nothing to recover, no errors, no orphans.
    pub clean: bool,
    /// Its journal holds changes that were not written back: it was in use to the end.
    pub needs_recovery: bool,
    /// The kernel met errors in it.
    pub errors: bool,
}

/// Reads how the ext2, ext3 or ext4 file system in `window` was left.
///
/// # Errors
/// [`FsError::Corrupt`] when there is no such file system; [`FsError::Read`].
pub fn ext4_state(window: &Window) -> Result<Ext4State, FsError> {
    let bytes = read_if_inside(window, OFFSET, 1024)?.unwrap_or_default();
    let fields = || {
        Some((
            le16(&bytes, 0x38)?,
            le16(&bytes, 0x3a)?,
            le32(&bytes, 0x60)?,
        ))
    };
    let Some((0xef53, state, features)) = fields() else {
        return Err(corrupt("there is no superblock"));
    };
    let needs_recovery = features & incompat::RECOVER != 0;
    let errors = state & ERRORS != 0;
    let clean = state & VALID != 0 && state & ORPHANS == 0 && !needs_recovery && !errors;
    Ok(Ext4State {
        clean,
        needs_recovery,
        errors,
    })
}
