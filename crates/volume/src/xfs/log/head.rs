//! The newest record, and whether it says that all is done.

use super::Stop;
use super::operations::is_unmount;
use super::record::{Record, cycle};
use super::ring::Ring;

/// Eight records of 256 KiB may be under way at once (`XLOG_TOTAL_REC_SHIFT`), written in any
/// order; and one before them.
const WINDOW: u64 = 4096 + 1024;
/// How many records at the end may be broken: those that were under way, and some more.
const MAX_BROKEN: usize = 64;
/// A record that says "unmounted" is short.
const SHORT_WINDOW: u64 = 64;

/// What the newest record says.
pub(super) enum Head {
    /// The file system was unmounted, or never used.
    Clean,
    Dirty(Record),
}

/// Finds the newest sound record.
pub(super) fn find(ring: &Ring<'_>) -> Result<Head, Stop> {
    if ring.sectors == 0 {
        return Err(Stop::NoHead);
    }
    let (first, last) = (ring.cycle(0)?, ring.cycle(ring.sectors.saturating_sub(1))?);
    if first == 0 {
        // All zero: that is a log that was never written.
        return Ok(Head::Clean);
    }
    let end = find_end(ring, last, first == last)?;
    let cycles = [u64::from(first), u64::from(last)];
    if let Some(record) = newest(ring, end, SHORT_WINDOW, cycles)?
        && ring.after(record.at, record.sectors()) == end
        && is_unmount(&record, ring)?
    {
        return Ok(Head::Clean);
    }
    let record = newest(ring, end, WINDOW, cycles)?.ok_or(Stop::NoHead)?;
    if record.is_of_other_byte_order() {
        return Err(Stop::ByteOrder);
    }
    Ok(if is_unmount(&record, ring)? {
        Head::Clean
    } else {
        Head::Dirty(record)
    })
}

/// The first sector that still has the `older` cycle. Around it the cycles may be mixed.
fn find_end(ring: &Ring<'_>, older: u32, is_full: bool) -> Result<u64, Stop> {
    if is_full {
        return Ok(0);
    }
    let (mut low, mut high) = (0, ring.sectors.saturating_sub(1));
    while low < high {
        let middle = low.midpoint(high);
        if ring.cycle(middle)? == older {
            high = middle;
        } else {
            low = middle.saturating_add(1);
        }
    }
    Ok(high)
}

/// The newest sound record that starts in the `window` sectors before `end`.
fn newest(
    ring: &Ring<'_>,
    end: u64,
    window: u64,
    cycles: [u64; 2],
) -> Result<Option<Record>, Stop> {
    // What was written while the cycles were mixed may stand behind `end` too.
    let window = window.min(ring.sectors);
    let start = ring.before(end, window);
    let ahead = window.min(ring.sectors.saturating_sub(window));
    let ahead = if window > SHORT_WINDOW { ahead } else { 0 };
    let bytes = ring.read(start, window.saturating_add(ahead))?;
    let (sectors, _) = bytes.as_chunks::<512>();
    let mut found: Vec<Record> = (0..)
        .zip(sectors)
        .filter_map(|(index, sector)| Record::parse(sector, ring.after(start, index), ring))
        .filter(|record| cycles.contains(&cycle(record.lsn)))
        .collect();
    found.sort_by_key(|record| std::cmp::Reverse(record.lsn));
    for record in found.into_iter().take(MAX_BROKEN) {
        if record.data(ring)?.is_some() {
            return Ok(Some(record));
        }
    }
    Ok(None)
}
