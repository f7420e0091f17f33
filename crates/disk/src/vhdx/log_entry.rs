//! One entry of the log: sectors to be written elsewhere. \[MS-VHDX\] 2.3.1.

use super::field::{checksum, guid_at, to_u64, to_usize, u32_at, u64_at};
use crate::guid::Guid;

/// The log is made of sectors of this size.
pub(super) const SECTOR: u64 = 4096;
const HEADER: usize = 64;
const DESCRIPTOR: usize = 32;

/// What a valid entry's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EntryHeader {
    pub(super) entry_length: u64,
    pub(super) tail: u64,
    pub(super) sequence_number: u64,
    pub(super) descriptor_count: u64,
    pub(super) flushed_file_offset: u64,
    pub(super) last_file_offset: u64,
}

/// What is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// Zeroes, at any length.
    Zero { len: u64 },
    /// A sector: the log has all but its first and last bytes.
    Data {
        /// Which sector of the entry holds it.
        sector: u64,
        leading: [u8; 8],
        trailing: [u8; 4],
    },
}

/// A write, and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Descriptor {
    pub(super) file_offset: u64,
    pub(super) write: Write,
}

impl EntryHeader {
    /// Reads the first sector of what may be an entry of this log; `None` if it is none.
    pub(super) fn parse(sector: &[u8], log_guid: Guid, log_length: u64) -> Option<Self> {
        if !sector.starts_with(b"loge") || guid_at(sector, 32) != log_guid {
            return None;
        }
        let header = Self {
            entry_length: u64::from(u32_at(sector, 8)),
            tail: u64::from(u32_at(sector, 12)),
            sequence_number: u64_at(sector, 16),
            descriptor_count: u64::from(u32_at(sector, 24)),
            flushed_file_offset: u64_at(sector, 48),
            last_file_offset: u64_at(sector, 56),
        };
        let aligned =
            header.entry_length.is_multiple_of(SECTOR) && header.tail.is_multiple_of(SECTOR);
        let sound = aligned
            && header.sequence_number > 0
            && header.tail < log_length
            && header.entry_length <= log_length
            && header.descriptor_bytes() <= header.entry_length;
        sound.then_some(header)
    }

    /// What the header and the descriptors take: whole sectors.
    fn descriptor_bytes(&self) -> u64 {
        let bytes = self
            .descriptor_count
            .saturating_mul(to_u64(DESCRIPTOR))
            .saturating_add(to_u64(HEADER));
        bytes.checked_next_multiple_of(SECTOR).unwrap_or(u64::MAX)
    }

    /// Whether the whole entry is as it was written: its checksum, and the sequence number that all
    /// its sectors repeat.
    pub(super) fn is_whole(&self, entry: &[u8]) -> bool {
        checksum(entry, 4) == u32_at(entry, 4) && self.descriptors(entry).is_some()
    }

    /// What the entry says to write, in order; `None` if a descriptor or data sector is not of it.
    pub(super) fn descriptors(&self, entry: &[u8]) -> Option<Vec<Descriptor>> {
        let (all, _) = entry.get(HEADER..)?.as_chunks::<DESCRIPTOR>();
        let all = all.get(..to_usize(self.descriptor_count))?;
        let mut sector = self.descriptor_bytes().checked_div(SECTOR)?;
        let mut found = Vec::with_capacity(all.len());
        for descriptor in all {
            let parsed = self.descriptor(descriptor, sector)?;
            if let Write::Data { .. } = parsed.write {
                self.data_sector(entry, sector)?;
                sector = sector.checked_add(1)?;
            }
            found.push(parsed);
        }
        Some(found)
    }

    fn descriptor(&self, bytes: &[u8; DESCRIPTOR], sector: u64) -> Option<Descriptor> {
        let write = match bytes {
            [b'z', b'e', b'r', b'o', ..] => Write::Zero {
                len: u64_at(bytes, 8),
            },
            [b'd', b'e', b's', b'c', ..] => Write::Data {
                sector,
                leading: super::field::array(bytes, 8),
                trailing: super::field::array(bytes, 4),
            },
            _ => return None,
        };
        let len = match write {
            Write::Zero { len } => len,
            Write::Data { .. } => SECTOR,
        };
        let file_offset = u64_at(bytes, 16);
        let sound = u64_at(bytes, 24) == self.sequence_number
            && file_offset.is_multiple_of(SECTOR)
            && len.is_multiple_of(SECTOR)
            && file_offset.checked_add(len).is_some();
        sound.then_some(Descriptor { file_offset, write })
    }

    /// \[MS-VHDX\] 2.3.1.4: a data sector has the sequence number at both ends.
    fn data_sector(&self, entry: &[u8], sector: u64) -> Option<()> {
        let start = usize::try_from(sector.checked_mul(SECTOR)?).ok()?;
        let bytes = entry.get(start..)?.get(..to_usize(SECTOR))?;
        let (high, low) = (u32_at(bytes, 4), u32_at(bytes, 4092));
        let sequence = u64::from(high) << 32 | u64::from(low);
        (bytes.starts_with(b"data") && sequence == self.sequence_number).then_some(())
    }
}
