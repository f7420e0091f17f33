//! The bytes of a file.

use std::sync::Arc;

use detente_block::{BlockRead, ReadError};

use super::node::Node;
use super::{Iso, corrupt};
use crate::FsError;

/// A file all of whose parts lie on the volume.
pub(super) struct IsoFile {
    iso: Arc<Iso>,
    /// Those that have bytes.
    parts: Vec<Placed>,
    len: u64,
}

/// A part of a file.
struct Placed {
    /// In the file.
    start: u64,
    /// On the volume.
    offset: u64,
    len: u64,
}

impl IsoFile {
    pub(super) fn new(iso: Arc<Iso>, node: &Node) -> Result<Self, FsError> {
        let mut parts = Vec::new();
        let mut start = 0_u64;
        // An empty file may be said to be anywhere.
        for part in node.parts.iter().filter(|part| part.len > 0) {
            let (offset, len) = (iso.offset(part.block)?, u64::from(part.len));
            if offset.saturating_add(len) > iso.pages.len_bytes() {
                return Err(corrupt("a file goes past the volume"));
            }
            parts.push(Placed { start, offset, len });
            start = start.saturating_add(len);
        }
        Ok(Self {
            iso,
            parts,
            len: start,
        })
    }

    /// Where byte `at` of the file is on the volume, and how many bytes follow it there.
    fn place(&self, at: u64) -> Option<(u64, u64)> {
        let after = self.parts.partition_point(|part| part.start <= at);
        let part = self.parts.get(after.checked_sub(1)?)?;
        let within = at.checked_sub(part.start)?;
        let rest = part.len.checked_sub(within).filter(|&rest| rest > 0)?;
        Some((part.offset.checked_add(within)?, rest))
    }
}

impl BlockRead for IsoFile {
    fn len_bytes(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let wanted = u64::try_from(buf.len()).unwrap_or(u64::MAX);
        let past = || ReadError::PastEnd {
            offset,
            wanted,
            end: self.len,
        };
        if offset.checked_add(wanted).is_none_or(|end| end > self.len) {
            return Err(past());
        }
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let (place, there) = self.place(at).ok_or_else(past)?;
            let count = usize::try_from(there).unwrap_or(usize::MAX).min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            self.iso.pages.read(place, now)?;
            at = at.saturating_add(u64::try_from(count).unwrap_or(0));
            rest = later;
        }
        Ok(())
    }
}
