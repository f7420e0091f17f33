//! Which blocks are read from the journal instead of from their place.

use std::collections::BTreeMap;

use detente_block::ReadError;

use super::header::MAGIC;
use crate::pages::Pages;

/// A block's copy in the journal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Copy {
    /// The byte of the volume where it starts.
    pub(super) place: u64,
    pub(super) is_escaped: bool,
}

/// The journal's copies, by the block that they stand for. Empty for a file system in order.
#[derive(Debug, Default)]
pub(in crate::ext4) struct Overlay(BTreeMap<u64, Copy>);

impl Overlay {
    pub(super) fn new(copies: BTreeMap<u64, Copy>) -> Self {
        Self(copies)
    }

    /// Puts the newer bytes into `buf`, which was read at byte `offset`.
    pub(in crate::ext4) fn patch(
        &self,
        pages: &Pages,
        block_bytes: u64,
        offset: u64,
        buf: &mut [u8],
    ) -> Result<(), ReadError> {
        let len = u64::try_from(buf.len()).unwrap_or(u64::MAX);
        if self.0.is_empty() || len == 0 {
            return Ok(());
        }
        let end = offset.saturating_add(len);
        let block_of = |byte: u64| byte.checked_div(block_bytes).unwrap_or(0);
        let (first, last) = (block_of(offset), block_of(end.saturating_sub(1)));
        for (block, copy) in self.0.range(first..=last) {
            let start = block.saturating_mul(block_bytes);
            let from = start.max(offset);
            let to = start.saturating_add(block_bytes).min(end);
            let index = |byte: u64| usize::try_from(byte.saturating_sub(offset)).unwrap_or(0);
            let target = buf.get_mut(index(from)..index(to)).unwrap_or_default();
            let skip = from.saturating_sub(start);
            pages.read(copy.place.saturating_add(skip), target)?;
            if copy.is_escaped {
                let skip = usize::try_from(skip).unwrap_or(usize::MAX);
                let magic = MAGIC.to_be_bytes();
                for (byte, original) in target.iter_mut().zip(magic.iter().skip(skip)) {
                    *byte = *original;
                }
            }
        }
        Ok(())
    }
}
