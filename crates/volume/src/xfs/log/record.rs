//! A record: a header, and operations behind it.

use detente_block::ReadError;

use super::ring::{Ring, SECTOR, cycle_of};
use crate::fields::{array, be32, be64, le32};

/// \[xfs\] `XLOG_HEADER_MAGIC_NUM`.
pub(super) const MAGIC: u32 = 0xfeed_babe;
/// `XLOG_MAX_RECORD_BSIZE`, and as much again for the filling up to a stripe unit.
const MAX_BYTES: u32 = 512 * 1024;
/// Each sector of headers says the first words of so many sectors of data.
pub(super) const WORDS: u64 = 64;

/// What a header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    /// Where it stands.
    pub(super) at: u64,
    /// Cycle and sector: higher is later.
    pub(super) lsn: u64,
    /// The oldest record that was needed when this one was written.
    pub(super) tail: u64,
    pub(super) operations: u32,
    /// Sectors of its headers.
    headers: u64,
    len: u32,
    crc: u32,
    /// `XLOG_FMT_LINUX_LE` is 1.
    format: u32,
}

/// How many sectors of headers there are, by the first. Only version 2 may have more than one.
pub(super) fn header_sectors(first: &[u8]) -> u64 {
    let field = |at: usize| be32(first, at).unwrap_or(0);
    if field(8) & 2 == 0 {
        return 1;
    }
    u64::from(field(320).div_ceil(32 * 1024).max(1))
}

/// Which header has the first word of sector `index` of the data, and where in it: the first
/// header has its words behind other fields, the others behind their cycle.
pub(super) fn word_place(index: usize) -> (usize, usize) {
    let words = usize::try_from(WORDS).unwrap_or(1);
    let header = index.checked_div(words).unwrap_or(0);
    let within = index.checked_rem(words).unwrap_or(0).saturating_mul(4);
    let base = if header == 0 { 44 } else { 4 };
    (header, within.saturating_add(base))
}

/// The cycle of an LSN.
pub(super) fn cycle(lsn: u64) -> u64 {
    lsn >> 32
}

/// The sector of an LSN.
pub(super) fn sector(lsn: u64) -> u64 {
    lsn & 0xffff_ffff
}

impl Record {
    /// `None` when the sector at `at` is not a header of this file system.
    pub(super) fn parse(bytes: &[u8], at: u64, ring: &Ring<'_>) -> Option<Self> {
        if be32(bytes, 0)? != MAGIC {
            return None;
        }
        let (version, len, lsn) = (be32(bytes, 8)?, be32(bytes, 12)?, be64(bytes, 16)?);
        let headers = header_sectors(bytes);
        let uuid: [u8; 16] = array(bytes, 304)?;
        let found = Self {
            at,
            lsn,
            tail: be64(bytes, 24)?,
            operations: be32(bytes, 40)?,
            headers,
            len,
            crc: le32(bytes, 32)?,
            format: be32(bytes, 300)?,
        };
        let is_ours = uuid == ring.uuid || uuid == [0; 16];
        let is_here = sector(lsn) == at && be32(bytes, 4).map(u64::from) == Some(cycle(lsn));
        let fits = len > 0 && len <= MAX_BYTES && headers <= 8 && found.sectors() <= ring.sectors;
        (is_ours && is_here && fits && matches!(version, 1..=3)).then_some(found)
    }

    /// Sectors of header and data.
    pub(super) fn sectors(&self) -> u64 {
        self.headers
            .saturating_add(u64::from(self.len).div_ceil(SECTOR))
    }

    pub(super) fn is_of_other_byte_order(&self) -> bool {
        !matches!(self.format, 0 | 1)
    }

    /// The operations; `None` when not all of it was written.
    pub(super) fn data(&self, ring: &Ring<'_>) -> Result<Option<Vec<u8>>, ReadError> {
        let bytes = ring.read(self.at, self.sectors())?;
        let split = usize::try_from(self.headers.saturating_mul(SECTOR)).unwrap_or(usize::MAX);
        let Some((headers, data)) = bytes.split_at_checked(split) else {
            return Ok(None);
        };
        let len = usize::try_from(self.len).unwrap_or(usize::MAX);
        let covered = data.get(..len).unwrap_or_default();
        let is_whole = self.is_of_one_cycle(ring, &bytes)
            && (!ring.has_checksums || self.is_intact(headers, covered));
        Ok(is_whole.then(|| unpack(headers, data, len)))
    }

    /// Sectors behind the end of the ring belong to its next round.
    fn is_of_one_cycle(&self, ring: &Ring<'_>, bytes: &[u8]) -> bool {
        let (sectors, _) = bytes.as_chunks::<512>();
        let before_end = ring.sectors.saturating_sub(self.at);
        (0_u64..).zip(sectors).all(|(index, sector)| {
            let round = u64::from(index >= before_end);
            let expected = cycle(self.lsn).saturating_add(round);
            cycle_of(sector).map(u64::from) == Some(expected)
        })
    }

    /// The sum goes over the first header (which has two sizes: 328 bytes where 64-bit numbers
    /// are aligned, 324 on 32-bit x86), the words of the others, and the data. `mkfs` leaves 0.
    fn is_intact(&self, headers: &[u8], data: &[u8]) -> bool {
        let more = usize::try_from(self.len.div_ceil(32 * 1024)).unwrap_or(0);
        let sum = |len: usize| {
            let (before, rest) = headers.get(..len)?.split_at_checked(32)?;
            let sum = crc32c::crc32c_append(crc32c::crc32c(before), &[0; 4]);
            let sum = crc32c::crc32c_append(sum, rest.get(4..)?);
            let (sectors, _) = headers.as_chunks::<512>();
            let sum = sectors.iter().take(more).skip(1).fold(sum, |sum, sector| {
                crc32c::crc32c_append(sum, sector.get(..260).unwrap_or_default())
            });
            Some(crc32c::crc32c_append(sum, data))
        };
        self.crc == 0 || sum(328) == Some(self.crc) || sum(324) == Some(self.crc)
    }
}

/// Puts back the first word of each sector of data, whose place its cycle took.
fn unpack(headers: &[u8], data: &[u8], len: usize) -> Vec<u8> {
    let mut data = data.to_vec();
    for (index, sector) in data.chunks_mut(512).enumerate() {
        let (header, within) = word_place(index);
        let at = header.saturating_mul(512).saturating_add(within);
        if let (Some(word), Some(place)) = (array::<4>(headers, at), sector.get_mut(..4)) {
            place.copy_from_slice(&word);
        }
    }
    data.truncate(len);
    data
}
