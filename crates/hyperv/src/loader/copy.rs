//! From a file to memory, a piece at a time.

use detente_block::BlockRead;
use detente_vmbus::GuestMemory;

use super::error::{LoadError, Part};
use crate::memory_map::Span;

/// How much is held at a time.
const PIECE_BYTES: u64 = 1 << 20;

/// Copies a range of a file, which was checked to be in it, to memory at `address`.
pub(super) fn copy_in(
    file: &dyn BlockRead,
    part: Part,
    range: Span,
    memory: &dyn GuestMemory,
    address: u64,
) -> Result<(), LoadError> {
    let piece_bytes = usize::try_from(range.len.min(PIECE_BYTES)).unwrap_or(0);
    let mut buffer = vec![0; piece_bytes];
    let mut done = 0_u64;
    while done < range.len {
        let piece = range.len.saturating_sub(done).min(PIECE_BYTES);
        let length = usize::try_from(piece).unwrap_or(piece_bytes);
        let buffer = buffer.get_mut(..length).unwrap_or_default();
        file.read_exact_at(range.start.saturating_add(done), buffer)
            .map_err(|source| LoadError::Read { part, source })?;
        memory.write(address.saturating_add(done), buffer)?;
        done = done.saturating_add(piece);
    }
    Ok(())
}

/// The first bytes of a file: `N` of them, or as many as it has, then zeros.
pub(super) fn head<const N: usize>(file: &dyn BlockRead) -> Result<[u8; N], LoadError> {
    let mut bytes = [0; N];
    let there = usize::try_from(file.len_bytes()).unwrap_or(usize::MAX);
    let wanted = bytes.get_mut(..there.min(N)).unwrap_or_default();
    file.read_exact_at(0, wanted)
        .map_err(|source| LoadError::Read {
            part: Part::Kernel,
            source,
        })?;
    Ok(bytes)
}
