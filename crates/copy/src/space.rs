//! Whether there is room, before anything is written.

use std::fs::File;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ioctl_ficlone, openat, statvfs};

use crate::ConvertError;
use crate::new_file::folder_of;

/// Refuses what has no room at `path`. A file system that does not say is taken at its word when it
/// is full.
pub(crate) fn check(path: &Path, needed: u64) -> Result<(), ConvertError> {
    let folder = folder_of(path);
    let Ok(said) = statvfs(&folder) else {
        return Ok(());
    };
    let available = said.f_bavail.saturating_mul(said.f_frsize);
    // Some file systems (FUSE) say nothing.
    if said.f_blocks == 0 || needed <= available || shares_extents(&folder) {
        return Ok(());
    }
    Err(ConvertError::NoRoom {
        path: path.to_path_buf(),
        needed,
        available,
    })
}

/// Whether files in `folder` can share their bytes: then a copy may need no room at all.
pub(crate) fn shares_extents(folder: &Path) -> bool {
    // An empty file can be cloned wherever files can be cloned, and costs nothing.
    let nameless = || {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR).map(File::from)
    };
    match (nameless(), nameless()) {
        (Ok(from), Ok(to)) => ioctl_ficlone(&to, &from).is_ok(),
        (Ok(_) | Err(_), _) => false,
    }
}
