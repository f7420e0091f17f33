//! Whether a file system was left in order.

use detente_block::Window;

use super::Xfs;
use super::log::XfsLog;
use crate::walk::Walked;
use crate::{FileSystem, FsError};

/// How an XFS was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XfsState {
    /// It was unmounted in order, and the kernel would mount it.
    pub clean: bool,
    /// What stands in its log, and what became of that.
    pub log: XfsLog,
    /// The kernel refuses to mount it until `xfs_repair` has been run.
    pub needs_repair: bool,
}

/// Reads how the XFS in `window` was left. A log that was not written back is read through to
/// say whether it could be replayed, which takes as long as opening the file system: who wants both
/// takes [`open_xfs`].
///
/// # Errors
/// [`FsError::Corrupt`] when there is no such file system, [`FsError::Unsupported`] when it is one
/// that we do not read; [`FsError::Read`].
pub fn xfs_state(window: &Window) -> Result<XfsState, FsError> {
    Ok(Xfs::open(window)?.state())
}

/// Opens the XFS in `window` and says how it was left.
///
/// # Errors
/// As [`xfs_state`].
pub fn open_xfs(window: &Window) -> Result<(Box<dyn FileSystem>, XfsState), FsError> {
    let fs = Xfs::open(window)?;
    let state = fs.state();
    Ok((Box::new(Walked(fs)), state))
}

impl Xfs {
    fn state(&self) -> XfsState {
        let needs_repair = self.superblock.needs_repair;
        XfsState {
            clean: self.log == XfsLog::Clean && !needs_repair,
            log: self.log.clone(),
            needs_repair,
        }
    }
}
