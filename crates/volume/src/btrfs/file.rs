//! The bytes of a file, by position.

use std::sync::Arc;

use detente_block::{BlockRead, Extent, ExtentKind, ReadError};

use super::Core;
use super::file_extent::Content;
use super::inode_item::Inode;
use crate::FsError;

/// A file that is open for reading.
pub(super) struct BtrfsFile {
    core: Arc<Core>,
    inode: Inode,
}

impl BtrfsFile {
    pub(super) fn new(core: Arc<Core>, inode: Inode) -> Self {
        Self { core, inode }
    }
}

impl BlockRead for BtrfsFile {
    fn len_bytes(&self) -> u64 {
        self.inode.len
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let wanted = u64::try_from(buf.len()).unwrap_or(u64::MAX);
        let end = self.inode.len;
        if offset.checked_add(wanted).is_none_or(|last| last > end) {
            return Err(ReadError::PastEnd {
                offset,
                wanted,
                end,
            });
        }
        self.core
            .read_data(&self.inode, offset, buf)
            .map_err(|error| read_error(error, offset))
    }

    fn next_extent(&self, offset: u64) -> Result<Extent, ReadError> {
        let end = self.inode.len;
        let rest = end.checked_sub(offset).filter(|&rest| rest > 0);
        let rest = rest.ok_or(ReadError::PastEnd {
            offset,
            wanted: 1,
            end,
        })?;
        let span = self
            .core
            .span(&self.inode, offset)
            .map_err(|error| read_error(error, offset))?;
        let kind = match span.content {
            Content::Zero => ExtentKind::Zero,
            Content::Plain { .. } | Content::Packed(_) | Content::Inline { .. } => ExtentKind::Data,
        };
        Ok(Extent {
            offset,
            len: span.len.min(rest),
            kind,
        })
    }
}

/// What a reader of bytes can say of a file system's error.
fn read_error(error: FsError, offset: u64) -> ReadError {
    match error {
        FsError::Read(error) => error,
        FsError::Unsupported { what, .. } => ReadError::Unsupported { offset, what },
        FsError::Corrupt { rule, .. } => ReadError::Corrupt { offset, rule },
        other @ (FsError::NotFound { .. }
        | FsError::WrongKind { .. }
        | FsError::TooLong { .. }
        | FsError::TooManyLinks { .. }) => ReadError::Corrupt {
            offset,
            rule: other.to_string(),
        },
    }
}
