//! Big-endian fields of structures that the file may end in, and tables of words.

use detente_block::{BlockRead, ReadError};

use super::corrupt;
pub(super) use crate::field::{read_bytes, to_u64, to_usize};

/// Bytes with fields in them, and where they begin in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) start: u64,
}

impl Fields<'_> {
    /// The field of `N` bytes at `at`.
    fn field<const N: usize>(self, at: usize) -> Result<[u8; N], ReadError> {
        let field = self.bytes.get(at..).and_then(|rest| rest.first_chunk());
        field.copied().ok_or_else(|| {
            let offset = self.start.saturating_add(to_u64(at));
            corrupt(offset, "the file ends inside its header")
        })
    }

    pub(super) fn u8(self, at: usize) -> Result<u8, ReadError> {
        self.field(at).map(u8::from_be_bytes)
    }

    pub(super) fn u16(self, at: usize) -> Result<u16, ReadError> {
        self.field(at).map(u16::from_be_bytes)
    }

    pub(super) fn u32(self, at: usize) -> Result<u32, ReadError> {
        self.field(at).map(u32::from_be_bytes)
    }

    pub(super) fn u64(self, at: usize) -> Result<u64, ReadError> {
        self.field(at).map(u64::from_be_bytes)
    }
}

/// How many words are converted at once: 64 KiB.
const PIECE: u64 = 8192;

/// The `entries` big-endian words at `offset`; the caller has bounded them.
pub(super) fn read_words(
    file: &dyn BlockRead,
    offset: u64,
    entries: u64,
) -> Result<Vec<u64>, ReadError> {
    let mut words = Vec::with_capacity(to_usize(entries));
    // A large table is not held twice.
    for first in (0..entries).step_by(to_usize(PIECE)) {
        let count = entries.saturating_sub(first).min(PIECE);
        let at = offset.saturating_add(first.saturating_mul(8));
        let bytes = read_bytes(file, at, count.saturating_mul(8))?;
        let (piece, _) = bytes.as_chunks();
        words.extend(piece.iter().map(|word| u64::from_be_bytes(*word)));
    }
    Ok(words)
}
