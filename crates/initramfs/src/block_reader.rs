//! A span of a disk, read from its beginning to its end.

use std::io::{self, Read};
use std::sync::Arc;

use detente_block::BlockRead;

use crate::field::len_u64;

/// Reads a [`BlockRead`] from its beginning to its end, for [`walk`](crate::walk) and
/// [`probe`](crate::probe).
#[derive(Clone)]
pub struct BlockReader {
    block: Arc<dyn BlockRead>,
    position: u64,
}

impl BlockReader {
    /// Starts at the beginning of `block`.
    #[must_use]
    pub fn new(block: Arc<dyn BlockRead>) -> Self {
        Self { block, position: 0 }
    }
}

impl Read for BlockReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.block.len_bytes().saturating_sub(self.position);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let Some(part) = buf.get_mut(..wanted).filter(|part| !part.is_empty()) else {
            return Ok(0);
        };
        self.block
            .read_exact_at(self.position, part)
            .map_err(io::Error::other)?;
        self.position = self.position.saturating_add(len_u64(wanted));
        Ok(wanted)
    }
}
