//! Which leg of a RAID1 is whole. \[dm-raid\] `struct dm_raid_superblock` of Linux.

use detente_block::{BlockRead, ReadError};

use crate::fields::{has, le64, read_if_inside};

/// What a leg's notes say; all zeros before the first activation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Notes {
    /// Grows with each change: the highest tells the truth.
    pub(super) events: u64,
    /// A bit for each leg that failed.
    failed: u64,
    /// How far this leg is rebuilt; all ones once it is whole.
    recovered: u64,
}

impl Notes {
    /// Notes of a leg that never was in use: as good as any other.
    pub(super) const NONE: Self = Self {
        events: 0,
        failed: 0,
        recovered: u64::MAX,
    };

    pub(super) fn read(device: &dyn BlockRead) -> Result<Self, ReadError> {
        let block = read_if_inside(device, 0, 512)?.unwrap_or_default();
        if !has(&block, 0, b"DmRd") && !has(&block, 0, b"DRmd") {
            return Ok(Self::NONE);
        }
        let field = |at| le64(&block, at).unwrap_or(0);
        Ok(Self {
            events: field(16),
            failed: field(24),
            recovered: field(32),
        })
    }
}

/// The legs by their worth, the best first: `known` has the notes of those that are here.
pub(super) fn order(known: &[(usize, Notes)]) -> Vec<usize> {
    let newest = known.iter().max_by_key(|(_, notes)| notes.events);
    let failed = newest.map_or(0, |(_, notes)| notes.failed);
    let events = newest.map_or(0, |(_, notes)| notes.events);
    let mut legs: Vec<&(usize, Notes)> = known.iter().collect();
    // Sorting keeps the order of those that are equal.
    legs.sort_by_key(|(leg, notes)| {
        let bit = u32::try_from(*leg)
            .ok()
            .and_then(|leg| 1_u64.checked_shl(leg));
        let is_failed = bit.is_some_and(|bit| failed & bit != 0);
        (
            is_failed,
            notes.recovered != u64::MAX,
            notes.events != events,
        )
    });
    legs.into_iter().map(|(leg, _)| *leg).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(known: &[(u64, u64, u64)], expect: &[usize]) {
        let known = known.iter().copied().enumerate();
        let notes = known.map(|(leg, (events, failed, recovered))| {
            let notes = Notes {
                events,
                failed,
                recovered,
            };
            (leg, notes)
        });
        assert_eq!(order(&notes.collect::<Vec<_>>()), expect);
    }

    #[test]
    fn failed_stale_and_half_rebuilt_legs_come_last() {
        let whole = u64::MAX;
        check(&[(5, 0, whole), (5, 0, whole)], &[0, 1]);
        check(&[(5, 0, whole), (6, 0, whole)], &[1, 0]);
        check(&[(6, 1, whole), (6, 1, whole)], &[1, 0]);
        check(&[(6, 0, 4096), (6, 0, whole)], &[1, 0]);
        check(&[(7, 0, whole), (6, 1, whole)], &[0, 1]);
    }
}
