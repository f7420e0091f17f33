//! The log, which is not read yet.
use super::superblock::Superblock;
use crate::FsError;
use detente_block::Window;

/// What became of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum XfsLog {
    /// Nothing stands in it that was not written back.
    Clean,
    /// It was not looked at.
    Unread,
}

/// What the log changes.
#[derive(Default)]
pub(super) struct Overlay;
impl Overlay {
    pub(super) fn patch(&self, _: u64, _: &mut [u8]) -> bool {
        false
    }
    pub(super) fn is_empty(&self) -> bool {
        true
    }
}
pub(super) fn load(_: &Window, _: &Superblock) -> Result<(Overlay, XfsLog), FsError> {
    Ok((Overlay, XfsLog::Unread))
}
