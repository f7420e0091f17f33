//! The dynamic disk header: where the block allocation table is, and the parent.

use detente_block::{BlockRead, ReadError};

use super::field::{array, checksum, put, read_bytes, to_u64, u32_at, u64_at};
use super::footer::{self, FoundFooter, NO_OFFSET};
use super::{corrupt, unsupported};

/// \[VHD\] "Cookie" of the dynamic disk header.
const COOKIE: [u8; 8] = *b"cxsparse";
/// The length of the header.
pub(super) const HEADER_BYTES: u64 = 1024;
/// \[VHD\] "Header Version".
const VERSION: u32 = 0x0001_0000;
/// How many parent locators there is room for.
const LOCATORS: usize = 8;
const LOCATOR_BYTES: usize = 24;

/// Where the fields are.
pub(super) mod at {
    pub(in super::super) const DATA_OFFSET: usize = 8;
    pub(in super::super) const TABLE_OFFSET: usize = 16;
    pub(in super::super) const VERSION: usize = 24;
    pub(in super::super) const MAX_TABLE_ENTRIES: usize = 28;
    pub(in super::super) const BLOCK_SIZE: usize = 32;
    pub(in super::super) const CHECKSUM: usize = 36;
    pub(in super::super) const PARENT_UNIQUE_ID: usize = 40;
    pub(in super::super) const PARENT_TIMESTAMP: usize = 56;
    pub(in super::super) const PARENT_NAME: usize = 64;
    pub(in super::super) const LOCATORS: usize = 576;
}

/// A dynamic disk header whose checksum is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// Where it is.
    pub(super) at: u64,
    pub(super) table_offset: u64,
    pub(super) max_table_entries: u32,
    pub(super) block_size: u32,
    pub(super) parent_unique_id: [u8; 16],
    pub(super) parent_timestamp: u32,
    /// UTF-16, big-endian.
    pub(super) parent_name: [u8; 512],
    pub(super) locators: Vec<Locator>,
}

/// \[VHD\] "Parent Locator Entry".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Locator {
    /// Where the entry is.
    pub(super) at: u64,
    pub(super) platform_code: [u8; 4],
    pub(super) data_length: u32,
    pub(super) data_offset: u64,
}

impl Header {
    /// Reads the header that a footer points to, and holds it against the size of the disk and of
    /// the file.
    pub(super) fn read(file: &dyn BlockRead, found: &FoundFooter) -> Result<Self, ReadError> {
        let offset = found.footer.data_offset;
        let end = offset.checked_add(HEADER_BYTES);
        if end.is_none_or(|end| end > file.len_bytes()) {
            let rule =
                format!("the dynamic disk header at {offset:#x} goes past the end of the file");
            return Err(corrupt(found.place(footer::at::DATA_OFFSET), rule));
        }
        let header = Self::parse(&read_bytes(file, offset, HEADER_BYTES)?, offset)?;
        header.check_table(found.footer.virtual_size(), file.len_bytes())?;
        Ok(header)
    }

    pub(super) fn parse(header: &[u8], offset: u64) -> Result<Self, ReadError> {
        let place = |at: usize| offset.saturating_add(to_u64(at));
        if !header.starts_with(&COOKIE) {
            return Err(corrupt(offset, "there is no dynamic disk header here"));
        }
        let (stated, sum) = (u32_at(header, at::CHECKSUM), checksum(header, at::CHECKSUM));
        if stated != sum {
            let rule = format!(
                "the dynamic disk header's checksum is {stated:#010x}, its bytes sum up to {sum:#010x}"
            );
            return Err(corrupt(place(at::CHECKSUM), rule));
        }
        let version = u32_at(header, at::VERSION);
        if version >> 16 != VERSION >> 16 {
            let what = format!("version {version:#010x} of the dynamic disk header");
            return Err(unsupported(place(at::VERSION), what));
        }
        let block_size = u32_at(header, at::BLOCK_SIZE);
        if !block_size.is_power_of_two() || block_size < 512 {
            let rule = format!("blocks of {block_size} bytes: not a power of two of sectors");
            return Err(corrupt(place(at::BLOCK_SIZE), rule));
        }
        Ok(Self {
            at: offset,
            table_offset: u64_at(header, at::TABLE_OFFSET),
            max_table_entries: u32_at(header, at::MAX_TABLE_ENTRIES),
            block_size,
            parent_unique_id: array(header, at::PARENT_UNIQUE_ID),
            parent_timestamp: u32_at(header, at::PARENT_TIMESTAMP),
            parent_name: array(header, at::PARENT_NAME),
            locators: locators(header, offset),
        })
    }

    /// The table is in the file, and large enough for the disk.
    fn check_table(&self, virtual_size: u64, file_len: u64) -> Result<(), ReadError> {
        let entries = u64::from(self.max_table_entries);
        let end = self.table_offset.checked_add(entries.saturating_mul(4));
        if end.is_none_or(|end| end > file_len) {
            let rule = format!(
                "the block allocation table of {entries} entries at {:#x} goes past the end of the file",
                self.table_offset
            );
            return Err(corrupt(self.place(at::MAX_TABLE_ENTRIES), rule));
        }
        if entries.saturating_mul(u64::from(self.block_size)) < virtual_size {
            let rule = format!(
                "{entries} blocks of {} bytes are too few for a disk of {virtual_size}",
                self.block_size
            );
            return Err(corrupt(self.place(at::MAX_TABLE_ENTRIES), rule));
        }
        Ok(())
    }

    /// Where a field of the header is in the file.
    pub(super) fn place(&self, field: usize) -> u64 {
        self.at.saturating_add(to_u64(field))
    }

    /// \[VHD\] "Block Bitmap": a bit a sector, rounded up to whole sectors.
    pub(super) fn bitmap_bytes(&self) -> u64 {
        (u64::from(self.block_size) / 512)
            .div_ceil(8)
            .next_multiple_of(512)
    }

    /// The header of a new dynamic disk, which rests on none.
    pub(super) fn dynamic(table_offset: u64, max_table_entries: u32, block_size: u32) -> Vec<u8> {
        let mut header = vec![0; 1024];
        put(&mut header, 0, &COOKIE);
        put(&mut header, at::DATA_OFFSET, &NO_OFFSET.to_be_bytes());
        put(&mut header, at::TABLE_OFFSET, &table_offset.to_be_bytes());
        put(&mut header, at::VERSION, &VERSION.to_be_bytes());
        put(
            &mut header,
            at::MAX_TABLE_ENTRIES,
            &max_table_entries.to_be_bytes(),
        );
        put(&mut header, at::BLOCK_SIZE, &block_size.to_be_bytes());
        let sum = checksum(&header, at::CHECKSUM);
        put(&mut header, at::CHECKSUM, &sum.to_be_bytes());
        header
    }
}

/// The locators that say something.
fn locators(header: &[u8], offset: u64) -> Vec<Locator> {
    let all = header.get(at::LOCATORS..).unwrap_or_default();
    let starts = (at::LOCATORS..).step_by(LOCATOR_BYTES);
    all.chunks_exact(LOCATOR_BYTES)
        .take(LOCATORS)
        .zip(starts)
        .map(|(entry, start)| Locator {
            at: offset.saturating_add(to_u64(start)),
            platform_code: array(entry, 0),
            data_length: u32_at(entry, 8),
            data_offset: u64_at(entry, 16),
        })
        .filter(|locator| locator.platform_code != [0; 4])
        .collect()
}
