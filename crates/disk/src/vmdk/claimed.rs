//! Which sectors of a file are taken by something.

use super::SECTOR;
use super::field::to_usize;

/// What the map may take: a bit a sector, so 256 GiB of file.
const MAX_BYTES: u64 = 64 << 20;

/// A map of taken sectors. It takes a bit for each sector of the file, 64 MiB at most.
pub(super) struct Claimed {
    words: Vec<u64>,
}

impl Claimed {
    /// A map for a file of `file_len` bytes.
    pub(super) fn new(file_len: u64) -> Self {
        let words = file_len.div_ceil(SECTOR).div_ceil(64).min(MAX_BYTES / 8);
        Self {
            words: vec![0; to_usize(words)],
        }
    }

    /// Whether the map goes so far.
    pub(super) fn covers(&self, end: u64) -> bool {
        to_usize(end.div_ceil(SECTOR) / 64) < self.words.len().saturating_add(1)
    }

    /// Takes the sectors of a range; says whether all were free. What lies behind the map is free.
    pub(super) fn take(&mut self, start: u64, len: u64) -> bool {
        let mut free = true;
        let last = start.saturating_add(len).div_ceil(SECTOR);
        let mut sector = start / SECTOR;
        while sector < last {
            let bit = sector % 64;
            let count = last.saturating_sub(sector).min(64_u64.saturating_sub(bit));
            let ones =
                u64::MAX.unbounded_shr(u32::try_from(64_u64.saturating_sub(count)).unwrap_or(0));
            let mask = ones.unbounded_shl(u32::try_from(bit).unwrap_or(0));
            let Some(word) = self.words.get_mut(to_usize(sector / 64)) else {
                break;
            };
            free &= *word & mask == 0;
            *word |= mask;
            sector = sector.saturating_add(count);
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_are_taken_once() {
        let mut claimed = Claimed::new(1 << 20);
        assert!(claimed.take(0, 512));
        assert!(claimed.take(512 * 60, 512 * 100));
        assert!(!claimed.take(512 * 159, 1));
        assert!(claimed.take(512 * 160, 512));
        assert!(claimed.take(512, 512 * 59));
        assert!(!claimed.take(0, 1 << 20));
        assert!(claimed.covers(1 << 20) && !claimed.covers(2 << 20));
        assert!(claimed.take(8 << 20, 512));
    }
}
