//! From the oldest record that is needed to the newest, twice: first to see which buffers were
//! given up, then to replay the others.

use super::Stop;
use super::buffer;
use super::cancelled::Cancelled;
use super::inode_item;
use super::item::{Kind, Place};
use super::operations;
use super::overlay::Overlay;
use super::record::{Record, cycle, sector};
use super::ring::{Ring, SECTOR};
use super::transaction::{Transaction, Transactions};
use crate::xfs::superblock::Superblock;

/// What is replayed, and into what.
pub(super) struct Replay<'p> {
    pub(super) ring: &'p Ring<'p>,
    pub(super) superblock: &'p Superblock,
    pub(super) overlay: Overlay,
    cancelled: Cancelled,
    transactions: u32,
}

/// Replays the log up to `newest`, or up to where it breaks off. Says how many transactions
/// were finished.
pub(super) fn replay(
    ring: &Ring<'_>,
    superblock: &Superblock,
    newest: &Record,
) -> Result<(Overlay, u32), Stop> {
    let mut replay = Replay {
        ring,
        superblock,
        overlay: Overlay::new(
            ring.layout(),
            superblock.inode_bytes,
            superblock.has_checksums,
        ),
        cancelled: Cancelled::default(),
        transactions: 0,
    };
    let is_given_up = |kind: &Kind| matches!(kind, Kind::Cancel(_));
    each_transaction(ring, newest, is_given_up, |done| replay.note(&done))?;
    let is_known = |kind: &Kind| !matches!(kind, Kind::Other);
    each_transaction(ring, newest, is_known, |done| replay.apply(&done))?;
    Ok((replay.overlay, replay.transactions))
}

/// Calls `each` for every finished transaction, in the order of their ends.
fn each_transaction(
    ring: &Ring<'_>,
    newest: &Record,
    wants: fn(&Kind) -> bool,
    mut each: impl FnMut(Transaction) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut transactions = Transactions::new(wants);
    let mut lsn = newest.tail;
    if sector(lsn) >= ring.sectors {
        return Err(Stop::NoTail);
    }
    let mut seen = 0_u64;
    while lsn <= newest.lsn && seen < ring.sectors {
        let header = ring.read(sector(lsn), 1)?;
        let record = Record::parse(&header, sector(lsn), ring).filter(|found| found.lsn == lsn);
        let data = match &record {
            Some(record) => record.data(ring)?,
            None => None,
        };
        let (Some(record), Some(data)) = (record, data) else {
            return match seen {
                0 => Err(Stop::NoTail),
                // What follows was not wholly written: the log ends here.
                _ => Ok(()),
            };
        };
        for operation in operations::parse(&data, record.operations) {
            let at = u32::try_from(record.at).unwrap_or(u32::MAX);
            if let Some(done) = transactions.take(&operation?, at, record.lsn)? {
                each(done)?;
            }
        }
        seen = seen.saturating_add(record.sectors());
        lsn = following(ring, &record);
    }
    Ok(())
}

/// Where the next record starts: behind the end of the ring its next round begins.
fn following(ring: &Ring<'_>, record: &Record) -> u64 {
    let end = record.at.saturating_add(record.sectors());
    let round = u64::from(end >= ring.sectors);
    let cycle = cycle(record.lsn).saturating_add(round);
    cycle.checked_shl(32).unwrap_or(0) | ring.after(record.at, record.sectors())
}

impl Replay<'_> {
    fn note(&mut self, done: &Transaction) -> Result<(), Stop> {
        for item in &done.items {
            if let Kind::Cancel(place) = item.kind {
                self.cancelled.add(place)?;
            }
        }
        Ok(())
    }

    /// As the kernel orders them: buffers, inodes, and last what is given up.
    fn apply(&mut self, done: &Transaction) -> Result<(), Stop> {
        self.transactions = self.transactions.saturating_add(1);
        for item in &done.items {
            match &item.kind {
                Kind::Buffer(buffer) if !self.cancelled.contains(buffer.place) => {
                    buffer::apply(self, buffer, &mut done.regions(item), done.lsn)?;
                }
                Kind::Creation(made) => inode_item::create(self, made)?,
                Kind::Buffer(_) | Kind::Inode(_) | Kind::Cancel(_) | Kind::Other => {}
            }
        }
        for item in &done.items {
            if let Kind::Inode(change) = &item.kind
                && !self.cancelled.contains(change.place)
            {
                inode_item::apply(self, change, &mut done.regions(item), done.lsn)?;
            }
        }
        for item in &done.items {
            if let Kind::Cancel(place) = item.kind {
                self.cancelled.remove(place);
            }
        }
        Ok(())
    }

    /// Whether a buffer that starts in these sectors is given up later.
    pub(super) fn is_cancelled_in(&self, place: Place) -> bool {
        self.cancelled.starts_in(place)
    }

    /// The byte where a span of sectors starts, if all of it lies inside the volume.
    pub(super) fn offset_of(&self, place: Place) -> Result<u64, Stop> {
        let (start, sectors) = place;
        let end = start.checked_add(sectors);
        let end = end.and_then(|end| end.checked_mul(SECTOR));
        match end {
            Some(end) if end <= self.ring.pages.len_bytes() && sectors > 0 => {
                Ok(start.saturating_mul(SECTOR))
            }
            _ => Err(Stop::Broken("it changes what is not in the volume")),
        }
    }
}
