//! A piece of the guest's view that one thread looks at or compresses.

use std::ops::Range;

use detente_block::{BlockRead, ReadError};

use crate::losses::Losses;
use crate::packer::{Packer, room_for};

/// Runs of zeroes are left out if they are blocks of this size, which file systems have too.
const BLOCK: usize = 4096;

/// What is done to bytes on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recipe {
    /// Zeroes are looked for.
    Sift,
    /// Each cluster of so many bytes is compressed.
    Pack { cluster: usize },
}

/// A piece, and what was found out about it.
pub(crate) struct Batch {
    pub(crate) offset: u64,
    pub(crate) len: usize,
    /// The guest's bytes; for the last cluster of a disk zeroes follow.
    pub(crate) bytes: Vec<u8>,
    /// The compressed ones, one cluster after the other.
    pub(crate) packed: Vec<u8>,
    pub(crate) pieces: Vec<Piece>,
}

/// A part of a batch; the ranges are within its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Zero(Range<usize>),
    Plain(Range<usize>),
    /// The compressed bytes' range is within `packed`.
    Packed {
        plain: Range<usize>,
        packed: Range<usize>,
    },
}

impl Batch {
    pub(crate) fn new(offset: u64, len: usize) -> Self {
        Self {
            offset,
            len,
            bytes: Vec::new(),
            packed: Vec::new(),
            pieces: Vec::new(),
        }
    }

    /// Reads the piece and follows the recipe.
    pub(crate) fn cook(
        &mut self,
        disk: &dyn BlockRead,
        losses: &Losses,
        recipe: Recipe,
        packer: Option<&mut Packer>,
    ) -> Result<(), ReadError> {
        self.bytes.resize(self.len, 0);
        losses.fill(disk, self.offset, &mut self.bytes)?;
        self.pieces.clear();
        match (recipe, packer) {
            (Recipe::Pack { cluster }, Some(packer)) => self.pack(cluster, packer),
            (Recipe::Pack { .. } | Recipe::Sift, _) => self.sift(),
        }
        Ok(())
    }

    /// Tells blocks of zeroes from others.
    fn sift(&mut self) {
        let mut at = 0;
        for block in self.bytes.chunks(BLOCK) {
            let range = at..at + block.len();
            at = range.end;
            let zero = is_zero(block);
            match self.pieces.last_mut() {
                Some(Piece::Zero(run)) if zero => run.end = range.end,
                Some(Piece::Plain(run)) if !zero => run.end = range.end,
                Some(Piece::Zero(_) | Piece::Plain(_) | Piece::Packed { .. }) | None => {
                    let piece = if zero { Piece::Zero } else { Piece::Plain };
                    self.pieces.push(piece(range));
                }
            }
        }
    }

    fn pack(&mut self, cluster: usize, packer: &mut Packer) {
        let whole = self.len.next_multiple_of(cluster);
        self.bytes.resize(whole, 0);
        self.packed.resize(whole + room_for(cluster), 0);
        let mut free = 0;
        for (index, bytes) in self.bytes.chunks(cluster).enumerate() {
            let start = index * cluster;
            let plain = start..self.len.min(start + cluster);
            if is_zero(bytes) {
                self.pieces.push(Piece::Zero(plain));
                continue;
            }
            let room = self.packed.get_mut(free..free + room_for(cluster));
            let piece = match room.and_then(|room| packer.pack(bytes, room)) {
                // What does not get shorter by a byte at least is no compressed cluster.
                Some(len) if len < cluster => Piece::Packed {
                    plain,
                    packed: free..free + len,
                },
                Some(_) | None => Piece::Plain(plain),
            };
            if let Piece::Packed { packed, .. } = &piece {
                free = packed.end;
            }
            self.pieces.push(piece);
        }
    }
}

/// Whether nothing but zeroes is there. Whole lines at a time: the compiler makes vectors of it.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    let mut lines = bytes.chunks_exact(128);
    lines.all(|line| line.iter().fold(0, |all, byte| all | byte) == 0)
        && bytes
            .chunks_exact(128)
            .remainder()
            .iter()
            .all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use detente_block::MemoryBackend;
    use detente_disk::Compression;

    use super::*;
    use crate::OnUnreadable;

    fn cook(bytes: Vec<u8>, recipe: Recipe) -> Batch {
        let len = bytes.len();
        let disk = MemoryBackend::new(bytes);
        let mut batch = Batch::new(0, len);
        let losses = Losses::new(OnUnreadable::Fail);
        let mut packer = Packer::new(Compression::Zlib).unwrap();
        batch
            .cook(&disk, &losses, recipe, Some(&mut packer))
            .unwrap();
        batch
    }

    #[test]
    fn blocks_of_zeroes_are_told_from_others() {
        let mut bytes = vec![0; 5 * BLOCK + 7];
        bytes[2 * BLOCK - 1] = 1;
        bytes[5 * BLOCK + 6] = 1;
        let pieces = cook(bytes, Recipe::Sift).pieces;
        let expect = [
            Piece::Zero(0..BLOCK),
            Piece::Plain(BLOCK..2 * BLOCK),
            Piece::Zero(2 * BLOCK..5 * BLOCK),
            Piece::Plain(5 * BLOCK..5 * BLOCK + 7),
        ];
        assert_eq!(pieces, expect);
    }

    #[test]
    fn the_last_cluster_is_filled_up_with_zeroes() {
        let batch = cook(vec![5; 70_000], Recipe::Pack { cluster: 65536 });
        assert_eq!(batch.bytes.len(), 131_072);
        let [Piece::Packed { .. }, Piece::Packed { plain, packed }] = &*batch.pieces else {
            panic!("{:?}", batch.pieces);
        };
        assert_eq!(*plain, 65536..70_000);
        let mut out = Vec::with_capacity(65536);
        let mut inflate = flate2::Decompress::new(false);
        let finish = flate2::FlushDecompress::Finish;
        inflate
            .decompress_vec(&batch.packed[packed.clone()], &mut out, finish)
            .unwrap();
        assert_eq!(out, batch.bytes[65536..]);
    }
}
