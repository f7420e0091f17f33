//! A disk with a write cache that the power takes with it: what was not flushed is half lost.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use detente_block::{BlockRead, BlockWrite, ReadError, WriteError};

/// What a disk writes at once. Of a page of the guest some sectors may be new and others old.
const SECTOR_BYTES: usize = 512;

/// The disk. What it holds is in memory: it is small.
pub(super) struct VolatileDisk {
    state: Mutex<State>,
    /// A disk that lies says that it has flushed, and has not.
    lies: bool,
    len_bytes: u64,
}

struct State {
    durable: Vec<u8>,
    /// Sectors that were written and not flushed, by their number.
    cached: BTreeMap<usize, [u8; SECTOR_BYTES]>,
    has_power: bool,
}

impl VolatileDisk {
    /// A disk of zeros, whole sectors long.
    pub(super) fn new(sectors: usize, lies: bool) -> Self {
        let durable = vec![0; sectors.saturating_mul(SECTOR_BYTES)];
        Self {
            len_bytes: durable.len() as u64,
            state: Mutex::new(State {
                durable,
                cached: BTreeMap::new(),
                has_power: true,
            }),
            lies,
        }
    }

    /// Cuts the power. A seed says which of the sectors that were not flushed are lost, half of
    /// them, in no order; how many bytes that is.
    pub(super) fn cut_power(&self, seed: u64) -> u64 {
        let mut state = self.lock();
        let cached = std::mem::take(&mut state.cached);
        let mut lost: u64 = 0;
        for (number, sector) in cached {
            if is_lost(seed, number) {
                lost = lost.saturating_add(SECTOR_BYTES as u64);
            } else {
                state.keep(number, &sector);
            }
        }
        state.has_power = false;
        lost
    }

    /// Gives it power again.
    pub(super) fn restore_power(&self) {
        self.lock().has_power = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The range as places in memory, if it lies inside.
    fn inside(&self, offset: u64, wanted: usize) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(wanted)?;
        (end as u64 <= self.len_bytes).then_some(start..end)
    }
}

/// Whether a sector is among those that are lost (splitmix64's last step).
fn is_lost(seed: u64, number: usize) -> bool {
    let mut word = seed.wrapping_add((number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (word ^ (word >> 27)).count_ones() & 1 == 0
}

impl State {
    /// Makes a sector durable.
    fn keep(&mut self, number: usize, sector: &[u8; SECTOR_BYTES]) {
        let start = number.saturating_mul(SECTOR_BYTES);
        if let Some(place) = self
            .durable
            .get_mut(start..start.saturating_add(SECTOR_BYTES))
        {
            place.copy_from_slice(sector);
        }
    }

    /// A sector as everybody sees it.
    fn sector(&self, number: usize) -> [u8; SECTOR_BYTES] {
        if let Some(sector) = self.cached.get(&number) {
            return *sector;
        }
        let start = number.saturating_mul(SECTOR_BYTES);
        let place = self.durable.get(start..start.saturating_add(SECTOR_BYTES));
        place
            .and_then(|place| place.try_into().ok())
            .unwrap_or([0; SECTOR_BYTES])
    }

    fn powered(&self, offset: u64) -> Result<(), WriteError> {
        if self.has_power {
            return Ok(());
        }
        let source = io::Error::other("the disk has no power");
        Err(WriteError::Io { offset, source })
    }
}

impl BlockRead for VolatileDisk {
    fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let Some(range) = self.inside(offset, buf.len()) else {
            return Err(ReadError::PastEnd {
                offset,
                wanted: buf.len() as u64,
                end: self.len_bytes,
            });
        };
        let state = self.lock();
        let mut at = range.start;
        let mut rest = buf;
        while !rest.is_empty() {
            let (number, within) = (at / SECTOR_BYTES, at % SECTOR_BYTES);
            let count = (SECTOR_BYTES - within).min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            let sector = state.sector(number);
            now.copy_from_slice(sector.get(within..within + count).unwrap_or_default());
            (at, rest) = (at + count, later);
        }
        Ok(())
    }
}

impl BlockWrite for VolatileDisk {
    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> Result<(), WriteError> {
        let Some(range) = self.inside(offset, bytes.len()) else {
            return Err(WriteError::PastEnd {
                offset,
                wanted: bytes.len() as u64,
                end: self.len_bytes,
            });
        };
        let mut state = self.lock();
        state.powered(offset)?;
        let mut at = range.start;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (number, within) = (at / SECTOR_BYTES, at % SECTOR_BYTES);
            let count = (SECTOR_BYTES - within).min(rest.len());
            let (now, later) = rest.split_at(count);
            let mut sector = state.sector(number);
            if let Some(place) = sector.get_mut(within..within + count) {
                place.copy_from_slice(now);
            }
            state.cached.insert(number, sector);
            (at, rest) = (at + count, later);
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), WriteError> {
        let mut state = self.lock();
        state.powered(0)?;
        if !self.lies {
            for (number, sector) in std::mem::take(&mut state.cached) {
                state.keep(number, &sector);
            }
        }
        Ok(())
    }

    fn zero_at(&self, offset: u64, len: u64) -> Result<(), WriteError> {
        match usize::try_from(len) {
            Ok(count) if self.inside(offset, count).is_some() => {
                self.write_all_at(offset, &vec![0; count])
            }
            _ => Err(WriteError::PastEnd {
                offset,
                wanted: len,
                end: self.len_bytes,
            }),
        }
    }

    fn grow(&self, _: u64) -> Result<(), WriteError> {
        let what = "growing a disk that is in memory";
        Err(WriteError::Unsupported { what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTORS: usize = 256;

    /// Writes every sector, flushes, writes all again, and cuts the power; how many sectors are
    /// then of the first and of the second writing.
    fn cut(lies: bool) -> (usize, usize, u64) {
        let disk = VolatileDisk::new(SECTORS, lies);
        disk.write_all_at(0, &[1; SECTORS * SECTOR_BYTES]).unwrap();
        disk.flush().unwrap();
        disk.write_all_at(0, &[2; SECTORS * SECTOR_BYTES]).unwrap();
        let lost = disk.cut_power(7);
        assert!(disk.write_all_at(0, &[3]).is_err() && disk.flush().is_err());
        disk.restore_power();
        let mut found = vec![0; SECTORS * SECTOR_BYTES];
        disk.read_exact_at(0, &mut found).unwrap();
        let count = |byte| {
            let sectors = found.chunks(SECTOR_BYTES);
            sectors
                .filter(|sector| sector.iter().all(|found| *found == byte))
                .count()
        };
        (count(1), count(2), lost)
    }

    #[test]
    fn what_was_flushed_is_kept_and_half_of_the_rest_is_lost() {
        let (first, second, lost) = cut(false);
        assert_eq!(first + second, SECTORS, "no sector is torn");
        assert!(
            first > SECTORS / 4 && second > SECTORS / 4,
            "{first} {second}"
        );
        assert_eq!(lost, (first * SECTOR_BYTES) as u64);
    }

    #[test]
    fn a_disk_that_lies_loses_what_it_said_was_flushed() {
        let (first, second, lost) = cut(true);
        assert_eq!(first, 0);
        assert_eq!(lost, ((SECTORS - second) * SECTOR_BYTES) as u64);
        assert!(lost > 0);
    }

    #[test]
    fn parts_of_sectors_are_written_and_read_as_they_are() {
        let disk = VolatileDisk::new(4, false);
        disk.write_all_at(500, b"over the edge").unwrap();
        let mut found = [0; 15];
        disk.read_exact_at(499, &mut found).unwrap();
        assert_eq!(&found, b"\0over the edge\0");
        disk.zero_at(504, 4).unwrap();
        disk.read_exact_at(499, &mut found).unwrap();
        assert_eq!(&found, b"\0over\0\0\0\0 edge\0");
        assert!(disk.write_all_at(2047, b"xx").is_err());
        assert!(disk.read_exact_at(2048, &mut [0]).is_err());
        assert!(disk.zero_at(0, u64::MAX).is_err());
    }
}
