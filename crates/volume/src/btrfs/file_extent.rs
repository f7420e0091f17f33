//! File extents: where the bytes of a file are.

use super::compression::Compression;
use super::tree::Item;
use super::{corrupt, unsupported};
use crate::FsError;
use crate::fields::{le16, le64};

/// Where inline data starts.
const INLINE_AT: usize = 21;
/// \[btrfs\] a compressed extent is at most as long, packed and unpacked.
pub(super) const MAX_PACKED_BYTES: u64 = 128 << 10;

/// A range of a file.
#[derive(Debug, Clone)]
pub(super) struct FileExtent {
    /// Its first byte in the file.
    pub(super) start: u64,
    /// How many bytes of the file it covers.
    pub(super) len: u64,
    pub(super) content: Content,
}

/// What a range of a file holds.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// Nothing: a hole, or space that was reserved and not written.
    Zero,
    /// The bytes from this address on.
    Plain { logical: u64 },
    /// A part of something compressed.
    Packed(Packed),
    /// What stands in the item itself.
    Inline {
        item: Item,
        compression: Option<Compression>,
        unpacked_bytes: u64,
    },
}

/// A compressed extent, and which part of it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) compression: Compression,
    pub(super) logical: u64,
    pub(super) packed_bytes: u64,
    pub(super) unpacked_bytes: u64,
    /// The first byte of the unpacked content that is meant.
    pub(super) skip: u64,
}

impl FileExtent {
    pub(super) fn parse(item: &Item, sector_bytes: u64) -> Result<Self, FsError> {
        let (inode, start) = (item.key.objectid, item.key.offset);
        let bad = |rule| corrupt(format!("the extent of inode {inode} at {start:#x} {rule}"));
        let bytes = item.data();
        let cut = || bad("is cut off");
        let unpacked_bytes = le64(bytes, 8).ok_or_else(cut)?;
        let (packing, encryption) = (bytes.get(16), bytes.get(17));
        if encryption != Some(&0) || le16(bytes, 18) != Some(0) {
            return Err(unsupported(format!("inode {inode} is encrypted")));
        }
        let compression = Compression::from_number(*packing.ok_or_else(cut)?)?;
        let (len, content) = match bytes.get(20) {
            Some(0) => {
                // What is longer would not have been put into a tree block.
                if unpacked_bytes > MAX_PACKED_BYTES {
                    return Err(bad("is too long to stand in its item"));
                }
                let content = Content::Inline {
                    item: item.clone(),
                    compression,
                    unpacked_bytes,
                };
                (unpacked_bytes.next_multiple_of(sector_bytes), content)
            }
            Some(1 | 2) => {
                let (len, content) = Self::regular(bytes, compression, unpacked_bytes)
                    .ok_or_else(cut)?
                    .map_err(bad)?;
                let is_prealloc = bytes.get(20) == Some(&2);
                (len, if is_prealloc { Content::Zero } else { content })
            }
            _ => return Err(bad("is of an unknown type")),
        };
        if start.checked_add(len).is_none() {
            return Err(bad("has an impossible length"));
        }
        Ok(Self {
            start,
            len,
            content,
        })
    }

    /// `None`: cut off; an inner error: the rule that was broken.
    fn regular(
        bytes: &[u8],
        compression: Option<Compression>,
        unpacked_bytes: u64,
    ) -> Option<Result<(u64, Content), &'static str>> {
        let (logical, packed_bytes) = (le64(bytes, 21)?, le64(bytes, 29)?);
        let (skip, len) = (le64(bytes, 37)?, le64(bytes, 45)?);
        if logical == 0 {
            return Some(Ok((len, Content::Zero)));
        }
        let end = skip.checked_add(len);
        if len == 0 || end.is_none_or(|end| end > unpacked_bytes) {
            return Some(Err("is longer than what it refers to"));
        }
        let Some(compression) = compression else {
            let plain = logical.checked_add(skip);
            let plain = plain.filter(|first| first.checked_add(len).is_some());
            return Some(match plain {
                Some(logical) => Ok((len, Content::Plain { logical })),
                None => Err("has an impossible address"),
            });
        };
        if packed_bytes > MAX_PACKED_BYTES || unpacked_bytes > MAX_PACKED_BYTES {
            return Some(Err("is compressed, and longer than 128 KiB"));
        }
        let packed = Packed {
            compression,
            logical,
            packed_bytes,
            unpacked_bytes,
            skip,
        };
        Some(Ok((len, Content::Packed(packed))))
    }

    /// The first byte of the file that it does not cover.
    pub(super) fn end(&self) -> u64 {
        self.start.saturating_add(self.len)
    }

    /// The bytes of an inline extent as they stand.
    pub(super) fn inline_bytes(item: &Item) -> &[u8] {
        item.data().get(INLINE_AT..).unwrap_or_default()
    }
}
