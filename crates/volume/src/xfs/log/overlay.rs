//! What is read as the log has it: where in the log the newest bytes stand.

use std::collections::BTreeMap;

use detente_block::ReadError;

use super::Stop;
use super::inode_item::{self, Change};
use super::source::{self, Layout, Source, Span};
use crate::pages::Pages;

/// What a log may take here. One of 64 MiB, which `mkfs` makes for all but the largest disks, has
/// not enough changes for that.
pub(super) const MAX_BYTES: usize = 32 * 1024 * 1024;
/// What a piece of a buffer (and a place where inodes are made), and what an inode takes: maps are
/// about half full.
const PIECE_COST: usize = 40;
const INODE_COST: usize = 88;
/// \[xfs\] `XFS_BLF_CHUNK`: buffers are logged in pieces of so many bytes.
pub(super) const PIECE: usize = 128;
pub(super) const PIECE_BYTES: u64 = 128;

/// What changed. Empty for a file system in order.
#[derive(Debug, Default)]
pub(in crate::xfs) struct Overlay {
    log: Layout,
    has_checksums: bool,
    inode_bytes: u16,
    /// Pieces of 128 bytes by number.
    pieces: BTreeMap<u64, Source>,
    /// Inodes by the byte where they start, which `inode_bytes` divides.
    inodes: BTreeMap<u64, Change>,
    /// Where inodes were made: from byte to byte.
    created: BTreeMap<u64, u64>,
    /// What the end of a record cut in two.
    kept: Vec<u8>,
}

impl Overlay {
    pub(super) fn new(log: Layout, inode_bytes: u16, has_checksums: bool) -> Self {
        Self {
            log,
            has_checksums,
            inode_bytes,
            ..Self::default()
        }
    }

    pub(in crate::xfs) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.inodes.is_empty()
    }

    /// Fills `buf` with what is at byte `offset` of the volume once the log is replayed. Says
    /// whether the log changed anything.
    pub(in crate::xfs) fn read(
        &self,
        pages: &Pages,
        offset: u64,
        buf: &mut [u8],
    ) -> Result<bool, ReadError> {
        let mut any = self.read_pieces(pages, offset, buf)?;
        let size = u64::from(self.inode_bytes);
        let end = offset.saturating_add(u64::try_from(buf.len()).unwrap_or(u64::MAX));
        if self.inodes.is_empty() || size == 0 || end == offset {
            return Ok(any);
        }
        let first = offset.saturating_sub(offset.checked_rem(size).unwrap_or(0));
        for (&start, change) in self.inodes.range(first..end) {
            let inode = self.inode(pages, start, change)?;
            overlap(offset, buf, start, &inode);
            any = true;
        }
        Ok(any)
    }

    /// As [`Overlay::read`], without inodes.
    fn read_pieces(&self, pages: &Pages, offset: u64, buf: &mut [u8]) -> Result<bool, ReadError> {
        pages.read(offset, buf)?;
        let end = offset.saturating_add(u64::try_from(buf.len()).unwrap_or(u64::MAX));
        if self.pieces.is_empty() || end == offset {
            return Ok(false);
        }
        let last = end.saturating_sub(1) / PIECE_BYTES;
        let mut any = false;
        for (number, &source) in self.pieces.range(offset / PIECE_BYTES..=last) {
            let mut piece = [0; PIECE];
            self.fetch(pages, source, &mut piece)?;
            overlap(offset, buf, number.saturating_mul(PIECE_BYTES), &piece);
            any = true;
        }
        Ok(any)
    }

    /// The inode at byte `start`, with its change.
    fn inode(&self, pages: &Pages, start: u64, change: &Change) -> Result<Vec<u8>, ReadError> {
        let mut inode = vec![0; usize::from(self.inode_bytes)];
        if !change.is_new {
            self.read_pieces(pages, start, &mut inode)?;
        }
        let mut fork = Vec::new();
        if let Some(part) = &change.fork {
            fork.resize(usize::from(part.len), 0);
            self.fetch(pages, part.source, &mut fork)?;
        }
        if let Some(part) = &change.core {
            let mut core = vec![0; usize::from(part.len)];
            self.fetch(pages, part.source, &mut core)?;
            inode_item::write_core(&mut inode, &core);
        }
        if let Some(part) = &change.fork {
            // What does not fit was refused when it was replayed.
            let _ = inode_item::write_fork(&mut inode, &fork, part, self.has_checksums);
        }
        Ok(inode)
    }

    /// What is known of the inode at byte `start`.
    pub(super) fn change(&self, start: u64) -> Change {
        let around = self.created.range(..=start).next_back();
        let fresh = Change {
            is_new: around.is_some_and(|(_, &end)| start < end),
            ..Change::default()
        };
        self.inodes.get(&start).copied().unwrap_or(fresh)
    }

    /// Inodes are made from byte `start` to `end`. Those that are not changed later stay as they
    /// are on the disk, since no name leads to them.
    pub(super) fn create(&mut self, start: u64, end: u64) -> Result<(), Stop> {
        let old: Vec<u64> = self.inodes.range(start..end).map(|(&at, _)| at).collect();
        for at in old {
            self.inodes.remove(&at);
        }
        self.created.insert(start, end);
        self.check_room()
    }

    pub(super) fn set_inode(&mut self, start: u64, change: Change) -> Result<(), Stop> {
        self.inodes.insert(start, change);
        self.check_room()
    }

    /// Piece `number` of the volume is what stands in `region` from byte `at` on.
    pub(super) fn set_piece(
        &mut self,
        pages: &Pages,
        number: u64,
        region: &[Span],
        at: usize,
    ) -> Result<(), Stop> {
        let source = self.source(pages, region, at, PIECE)?;
        self.pieces.insert(number, source);
        self.check_room()
    }

    /// Where `len` bytes of `region` stand; what is cut is put together.
    pub(super) fn source(
        &mut self,
        pages: &Pages,
        region: &[Span],
        at: usize,
        len: usize,
    ) -> Result<Source, Stop> {
        if let Some(source) = source::whole(region, at, len) {
            return Ok(source);
        }
        let start = self.kept.len();
        let end = start.saturating_add(len);
        self.kept.resize(end, 0);
        self.check_room()?;
        let bytes = self.kept.get_mut(start..).unwrap_or_default();
        self.log.gather(pages, region, at, bytes)?;
        Ok(Source::Kept(u32::try_from(start).unwrap_or(u32::MAX)))
    }

    fn fetch(&self, pages: &Pages, source: Source, buf: &mut [u8]) -> Result<(), ReadError> {
        match source {
            Source::Record { at, offset } => self.log.fetch(pages, at, offset, buf),
            Source::Kept(start) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let kept = self.kept.get(start..).unwrap_or_default();
                for (byte, own) in buf.iter_mut().zip(kept) {
                    *byte = *own;
                }
                Ok(())
            }
        }
    }

    fn check_room(&self) -> Result<(), Stop> {
        let pieces = self.pieces.len().saturating_add(self.created.len());
        let pieces = pieces.saturating_mul(PIECE_COST);
        let inodes = self.inodes.len().saturating_mul(INODE_COST);
        // A list may have room for twice what it holds.
        let kept = self.kept.len().saturating_mul(2);
        match pieces.saturating_add(inodes).saturating_add(kept) {
            0..=MAX_BYTES => Ok(()),
            _ => Err(Stop::TooManyChanges),
        }
    }
}

/// Puts what `bytes`, which start at byte `start`, and `buf` at `offset` have in common into `buf`.
fn overlap(offset: u64, buf: &mut [u8], start: u64, bytes: &[u8]) {
    let skip = |from: u64, to: u64| usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    let target = buf.get_mut(skip(offset, start)..).unwrap_or_default();
    let source = bytes.get(skip(start, offset)..).unwrap_or_default();
    for (byte, own) in target.iter_mut().zip(source) {
        *byte = *own;
    }
}
