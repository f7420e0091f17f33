//! The journal (jbd2): what was promised but not yet written in place. Nothing is written here:
//! reads are led to the journal's copies. \[jbd2\] the kernel's `filesystems/ext4/journal.rst`.
//!
//! Fast commits are not replayed: the file system is seen as of its last full commit, which is
//! sound, if a little older.

mod header;
mod overlay;
mod tags;

pub(super) use overlay::Overlay;

use std::collections::BTreeMap;

use super::inode::Inode;
use super::{Ext4, corrupt, unsupported};
use crate::FsError;
use crate::fields::be32;
use header::{Block, Features, Header, Kind};
use overlay::Copy;

/// 1 GiB of 4 KiB blocks, the largest journal that `mke2fs` makes; the index then has 16 MiB.
const MAX_BLOCKS: u32 = 262_144;

/// A transaction that is being read.
#[derive(Default)]
struct Transaction {
    copies: Vec<(u64, Copy)>,
    revoked: Vec<u64>,
}

/// What all finished transactions say together.
#[derive(Default)]
struct Replay {
    /// The newest copy of each block, and the transaction that wrote it.
    copies: BTreeMap<u64, (u32, Copy)>,
    /// The last transaction that took each block back.
    revoked: BTreeMap<u64, u32>,
}

impl Replay {
    fn add(&mut self, transaction: Transaction, sequence: u32) {
        for (block, copy) in transaction.copies {
            self.copies.insert(block, (sequence, copy));
        }
        for block in transaction.revoked {
            self.revoked.insert(block, sequence);
        }
    }

    /// A revoked block counts only if it was written again by a later transaction.
    fn finish(self) -> Overlay {
        let Self { copies, revoked } = self;
        let is_live = |block: &u64, sequence: u32| {
            // Sequence numbers wrap around.
            revoked
                .get(block)
                .is_none_or(|&end| end.wrapping_sub(sequence) > u32::MAX >> 1)
        };
        let live = copies
            .into_iter()
            .filter(|(block, (sequence, _))| is_live(block, *sequence));
        Overlay::new(live.map(|(block, (_, copy))| (block, copy)).collect())
    }
}

/// Reads the journal of `fs` up to the last whole transaction.
pub(super) fn load(fs: &Ext4) -> Result<Overlay, FsError> {
    if fs.superblock.journal_inode == 0 {
        return Err(unsupported(
            "its journal is on another device, and must be replayed",
        ));
    }
    let inode = fs.inode(fs.superblock.journal_inode)?;
    fs.check_data(&inode)?;
    let header = Header::parse(&journal_block(fs, &inode, 0)?.0, fs.superblock.block_bytes)?;
    if header.blocks > MAX_BLOCKS {
        return Err(unsupported(format!(
            "a journal of {} blocks",
            header.blocks
        )));
    }
    if header.start == 0 {
        return Ok(Overlay::default());
    }
    replay(fs, &inode, &header)
}

/// Goes through the log, which is a ring, once at most.
fn replay(fs: &Ext4, inode: &Inode, header: &Header) -> Result<Overlay, FsError> {
    let mut all = Replay::default();
    let mut open = Transaction::default();
    let mut sequence = header.sequence;
    let mut at = header.start;
    let mut seen = 0_u32;
    while seen < header.blocks {
        let (bytes, _) = journal_block(fs, inode, at)?;
        let Some(block) = Block::parse(&bytes, sequence, header) else {
            break;
        };
        at = header.after(at);
        seen = seen.saturating_add(1);
        match block.kind {
            Kind::Descriptor => {
                for tag in tags::parse(&bytes, header.features) {
                    let place = fs.superblock.offset_of(locate(fs, inode, at)?)?;
                    open.copies.push((
                        tag.block,
                        Copy {
                            place,
                            is_escaped: tag.is_escaped,
                        },
                    ));
                    at = header.after(at);
                    seen = seen.saturating_add(1);
                    if seen > header.blocks {
                        return Ok(all.finish());
                    }
                }
            }
            Kind::Revoke => open.revoked.extend(revoked(&bytes, header.features)),
            Kind::Commit => {
                all.add(std::mem::take(&mut open), sequence);
                sequence = sequence.wrapping_add(1);
            }
        }
    }
    Ok(all.finish())
}

/// \[jbd2\] revocation block: the count of bytes used, then block numbers.
fn revoked(bytes: &[u8], features: Features) -> Vec<u64> {
    let used = be32(bytes, 12)
        .and_then(|used| usize::try_from(used).ok())
        .unwrap_or(0);
    let list = bytes.get(16..used.min(bytes.len())).unwrap_or_default();
    let width = if features.is_64_bit() { 8 } else { 4 };
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte))
    };
    list.chunks_exact(width).map(number).collect()
}

/// Block `index` of the journal, and where it stands.
fn journal_block(fs: &Ext4, inode: &Inode, index: u32) -> Result<(Vec<u8>, u64), FsError> {
    let block = locate(fs, inode, index)?;
    Ok((fs.block(block)?, block))
}

fn locate(fs: &Ext4, inode: &Inode, index: u32) -> Result<u64, FsError> {
    let span = fs.locate(inode, u64::from(index))?;
    span.start
        .ok_or_else(|| corrupt(format!("block {index} of the journal is missing")))
}
