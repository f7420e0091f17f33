//! The write-ahead log: later versions of pages, valid up to its last commit. \[SQLite\] 4.

use std::collections::HashMap;

use crate::error::{DatabaseError, Limit, Unsupported};
use crate::fields::be32;
use crate::limits::MAX_PAGES;
use crate::windows::Windows;

const HEADER_BYTES: u64 = 32;
const FRAME_HEADER_BYTES: u64 = 24;
/// The lowest bit says which byte order the checksums are made in.
const MAGIC: u32 = 0x377f_0682;
const VERSION: u32 = 3_007_000;

/// Where the log has pages, and how many the database has with them.
pub(super) struct Wal {
    frames: HashMap<u32, u64>,
    pages: u32,
}

/// Two sums over words, each of which takes in the other. \[SQLite\] 4.2.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Checksum {
    sums: [u32; 2],
    big_endian: bool,
}

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        for words in bytes.chunks_exact(8) {
            let (first, second) = words.split_at(4);
            let [one, two] = [first, second].map(|word| {
                let word: [u8; 4] = word.try_into().unwrap_or_default();
                if self.big_endian {
                    u32::from_be_bytes(word)
                } else {
                    u32::from_le_bytes(word)
                }
            });
            let [a, b] = self.sums;
            let a = a.wrapping_add(one).wrapping_add(b);
            self.sums = [a, b.wrapping_add(two).wrapping_add(a)];
        }
    }

    /// Whether the sums stand at `at`, always big-endian.
    fn stands_at(&self, bytes: &[u8], at: usize) -> bool {
        let [a, b] = self.sums;
        be32(bytes, at) == Some(a) && be32(bytes, at.saturating_add(4)) == Some(b)
    }
}

impl Wal {
    /// Reads a log; `None` if it holds no commit that is whole, or belongs to another page size.
    pub(super) fn read(
        log: &mut Windows<'_>,
        page_bytes: u32,
    ) -> Result<Option<Self>, DatabaseError> {
        if log.len_bytes() < HEADER_BYTES {
            return Ok(None);
        }
        let header: [u8; 32] = log.array(0)?;
        let magic = be32(&header, 0).unwrap_or(0);
        if magic & !1 != MAGIC || be32(&header, 8) != Some(page_bytes) {
            return Ok(None);
        }
        let mut checksum = Checksum {
            sums: [0; 2],
            big_endian: magic & 1 != 0,
        };
        let (summed, _) = header.split_at(24);
        checksum.add(summed);
        if !checksum.stands_at(&header, 24) {
            return Ok(None);
        }
        let version = be32(&header, 4).unwrap_or(0);
        if version != VERSION {
            let store = "a write-ahead log of sqlite";
            return Err(Unsupported::Version { store, version }.into());
        }
        let (_, salts) = header.split_at(16);
        let (salts, _) = salts.split_at(8);
        Self::frames(log, page_bytes, salts, checksum)
    }

    /// \[SQLite\] 4.2: frames are valid as long as salts and running checksums are right.
    fn frames(
        log: &mut Windows<'_>,
        page_bytes: u32,
        salts: &[u8],
        mut checksum: Checksum,
    ) -> Result<Option<Self>, DatabaseError> {
        let mut wal = Self {
            frames: HashMap::new(),
            pages: 0,
        };
        // Frames since the last commit count only once the next one comes.
        let mut pending = Vec::new();
        let mut page = vec![0; usize::try_from(page_bytes).unwrap_or(0)];
        let mut offset = HEADER_BYTES;
        let mut seen = 0_u32;
        loop {
            let content = offset.saturating_add(FRAME_HEADER_BYTES);
            let end = content.saturating_add(u64::from(page_bytes));
            if end > log.len_bytes() {
                break;
            }
            seen = seen.saturating_add(1);
            if seen > MAX_PAGES {
                return Err(Limit::Pages.into());
            }
            let header: [u8; 24] = log.array(offset)?;
            log.read(content, &mut page)?;
            let (numbers, rest) = header.split_at(8);
            checksum.add(numbers);
            checksum.add(&page);
            if !rest.starts_with(salts) || !checksum.stands_at(&header, 16) {
                break;
            }
            pending.push((be32(&header, 0).unwrap_or(0), content));
            let pages = be32(&header, 4).unwrap_or(0);
            if pages > 0 {
                wal.frames.extend(pending.drain(..));
                wal.pages = pages;
            }
            offset = end;
        }
        Ok((wal.pages > 0).then_some(wal))
    }

    /// Where the newest version of a page stands in the log.
    pub(super) fn offset(&self, page: u32) -> Option<u64> {
        self.frames.get(&page).copied()
    }

    /// How many pages the database has after the last commit.
    pub(super) fn pages(&self) -> u32 {
        self.pages
    }
}
