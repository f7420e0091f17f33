//! The log: what was promised but not yet written in place. Nothing is written here: reads of
//! metadata are led to what the log says. \[xfs\] journaling log; the kernel's `xfs_log_format.h`
//! and, for the order of things, `xfs_log_recover.c`.
//!
//! Buffers and inodes of finished transactions are replayed. Intents are not: work that a
//! transaction left for later ones (extents to free, mappings to exchange) stays undone, which no
//! reader sees but for an exchange of extents that was under way.
//!
//! What changed is not held: only where in the log it stands, from where it is read when it is
//! wanted. Memory: 32 MiB for that, and 24 MiB for transactions while the log is read; 380,000
//! changed inodes. A log that needs more is not replayed, which [`XfsLog`] says.

mod buffer;
mod cancelled;
mod head;
mod inode_item;
mod item;
mod operations;
mod overlay;
mod record;
mod replay;
mod ring;
mod source;
mod transaction;

pub(super) use overlay::Overlay;

use detente_block::ReadError;

use super::superblock::Superblock;
use super::unsupported;
use crate::FsError;
use crate::pages::Pages;
use head::Head;
use ring::Ring;

/// What became of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum XfsLog {
    /// Nothing stands in it that was not written back.
    Clean,
    /// It was not written back: files are seen as they are after the kernel's recovery.
    Replayed {
        /// How many transactions count.
        transactions: u32,
    },
    /// It was not written back, and could not be replayed: files are seen as of an earlier time,
    /// and perhaps of several.
    NotReplayed {
        /// Why.
        reason: String,
    },
}

/// Why a log is not replayed.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("what it changes takes more than {} MiB of memory", overlay::MAX_BYTES >> 20)]
    TooManyChanges,
    #[error("its transactions take more than {} MiB of memory", transaction::MAX_BYTES >> 20)]
    TooLarge,
    #[error("it was written by a machine of another byte order")]
    ByteOrder,
    #[error("its oldest record is not where the newest says")]
    NoTail,
    #[error("it has no sound record")]
    NoHead,
    #[error("{0}")]
    Broken(&'static str),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Reads the log of the file system in `pages`, and replays it if it was not written back.
pub(super) fn load(pages: &Pages, superblock: &Superblock) -> Result<(Overlay, XfsLog), FsError> {
    if superblock.log_start == 0 {
        return Err(unsupported("its log is on another device"));
    }
    let ring = Ring::new(pages, superblock)?;
    let outcome = head::find(&ring).and_then(|head| match head {
        Head::Clean => Ok((Overlay::default(), XfsLog::Clean)),
        Head::Dirty(newest) => {
            let (overlay, transactions) = replay::replay(&ring, superblock, &newest)?;
            Ok((overlay, XfsLog::Replayed { transactions }))
        }
    });
    match outcome {
        Ok(found) => Ok(found),
        Err(Stop::Read(error)) => Err(FsError::Read(error)),
        Err(stop) => {
            let reason = stop.to_string();
            Ok((Overlay::default(), XfsLog::NotReplayed { reason }))
        }
    }
}
