//! Where symbolic links lead.

use super::block::Places;
use super::inode::{Format, Inode};
use super::{Xfs, corrupt};
use crate::FsError;
use crate::fields::{be32, has};

/// \[xfs\] `XFS_SYMLINK_MAXLEN`.
const MAX_BYTES: u64 = 1024;
/// The header of each extent of a link's target, from version 5 on.
const HEADER: usize = 56;
const PLACES: Places = Places {
    what: "a link block",
    crc: 12,
    address: 40,
    uuid: 16,
    owner: 32,
};

impl Xfs {
    /// The target of `link`.
    pub(super) fn target(&self, link: &Inode) -> Result<Vec<u8>, FsError> {
        link.check_data()?;
        let number = link.number;
        if link.len > MAX_BYTES {
            return Err(corrupt(format!("link inode {number} is too long")));
        }
        if link.format == Format::Local {
            return Ok(link.fork.to_vec());
        }
        let len = usize::try_from(link.len).unwrap_or(0);
        let mut target = Vec::new();
        let mut logical = 0;
        while target.len() < len {
            let span = self.locate(link, logical)?;
            let missing = || corrupt(format!("link inode {number} has a hole"));
            // The longest target with its headers, in the smallest blocks.
            let count = span.count.min(4);
            let block = self.blocks(span.start.ok_or_else(missing)?, count)?;
            let part = if self.superblock.has_checksums {
                let at = be32(&block.bytes, 4).and_then(|at| usize::try_from(at).ok());
                if !has(&block.bytes, 0, b"XSLM") || at != Some(target.len()) {
                    return Err(corrupt(format!(
                        "link inode {number} has a block without its header"
                    )));
                }
                self.check_block(&block, &PLACES, number)?;
                let count = be32(&block.bytes, 8).and_then(|count| usize::try_from(count).ok());
                let end = count.and_then(|count| count.checked_add(HEADER));
                end.and_then(|end| block.bytes.get(HEADER..end))
            } else {
                Some(block.bytes.as_slice())
            };
            let part = part.filter(|part| !part.is_empty()).ok_or_else(missing)?;
            target.extend_from_slice(part);
            logical = logical.saturating_add(count);
        }
        target.truncate(len);
        Ok(target)
    }
}
