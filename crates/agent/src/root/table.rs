//! The partitions' identifiers. Kernels before 6.10 have them and do not show them in sysfs.

use std::io::{Read, Seek, SeekFrom};

/// UEFI 2.10, 5.3.2: 128 entries are the least; more than this nobody makes.
const MAX_ENTRIES: u32 = 1024;
/// UEFI 2.10, 5.3.3: an entry is 128 bytes or twice, four times … as long.
const ENTRY_BYTES: std::ops::RangeInclusive<u32> = 128..=4096;
/// The type of the one partition that protects a GPT from older tools.
const PROTECTIVE: u8 = 0xee;

/// Where a disk's partitions have their identifiers from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Table {
    /// Each has its own, in the order of their numbers; `None` where there is no partition.
    Gpt(Vec<Option<String>>),
    /// They are made of the disk's.
    Mbr(u32),
}

impl Table {
    /// Reads it; `None` when there is none that can be read.
    pub(super) fn read(disk: &mut (impl Read + Seek), block_bytes: u64) -> Option<Self> {
        let first = bytes(disk, 0, 512)?;
        if first.get(510..512)? != [0x55, 0xaa] {
            return None;
        }
        let types = [450, 466, 482, 498];
        let protective = |at: &usize| first.get(*at) == Some(&PROTECTIVE);
        if types.iter().any(protective) {
            return Self::gpt(disk, block_bytes);
        }
        Some(Self::Mbr(u32_at(&first, 440)?))
    }

    fn gpt(disk: &mut (impl Read + Seek), block_bytes: u64) -> Option<Self> {
        let header = bytes(disk, block_bytes, 92)?;
        if header.get(..8)? != b"EFI PART" {
            return None;
        }
        let place = u64::from_le_bytes(header.get(72..80)?.try_into().ok()?);
        let (count, size) = (u32_at(&header, 80)?, u32_at(&header, 84)?);
        if count > MAX_ENTRIES || !ENTRY_BYTES.contains(&size) {
            return None;
        }
        let len = usize::try_from(count.checked_mul(size)?).ok()?;
        let entries = bytes(disk, place.checked_mul(block_bytes)?, len)?;
        let entries = entries.chunks_exact(usize::try_from(size).ok()?);
        Some(Self::Gpt(entries.map(unique).collect()))
    }

    /// The identifier of a partition, in small letters.
    pub(super) fn uuid(&self, number: u32) -> Option<String> {
        match self {
            Self::Gpt(all) => {
                let index = usize::try_from(number).ok()?.checked_sub(1)?;
                all.get(index).cloned().flatten()
            }
            // Linux, block/partitions/msdos.c: set_info()
            Self::Mbr(disk) => (number != 0).then(|| format!("{disk:08x}-{number:02x}")),
        }
    }
}

/// The unique identifier of an entry that is in use: its type is not all zeros.
fn unique(entry: &[u8]) -> Option<String> {
    if entry.get(..16)?.iter().all(|byte| *byte == 0) {
        return None;
    }
    let guid = entry.get(16..32)?;
    // The first three fields are little-endian (UEFI 2.10, appendix A).
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut text = String::new();
    for (index, at) in order.into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{:02x}", guid.get(at)?));
    }
    Some(text)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

fn bytes(disk: &mut (impl Read + Seek), at: u64, len: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; len];
    disk.seek(SeekFrom::Start(at)).ok()?;
    disk.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::Table;

    /// A GPT with one partition, its number 2. UEFI 2.10, 5.3.
    fn gpt(block_bytes: usize) -> Vec<u8> {
        let mut disk = vec![0; 40 * block_bytes];
        disk[450] = 0xee;
        disk[510..512].copy_from_slice(&[0x55, 0xaa]);
        let header = &mut disk[block_bytes..];
        header[..8].copy_from_slice(b"EFI PART");
        header[72] = 2;
        header[80..84].copy_from_slice(&128_u32.to_le_bytes());
        header[84..88].copy_from_slice(&128_u32.to_le_bytes());
        let entry = &mut disk[2 * block_bytes + 128..];
        entry[0] = 1;
        entry[16..32].copy_from_slice(&[
            0x1e, 0x7a, 0x2b, 0x6d, 0x54, 0x3f, 0x0e, 0x4c, 0x9d, 0x0a, 0x0d, 0x5f, 0x1a, 0x6e,
            0x20, 0x06,
        ]);
        disk
    }

    fn read(disk: Vec<u8>, block_bytes: u64) -> Option<Table> {
        Table::read(&mut Cursor::new(disk), block_bytes)
    }

    #[test]
    fn a_gpt_names_its_partitions_whatever_the_block_size() {
        for block_bytes in [512_u16, 4096] {
            let table = read(gpt(block_bytes.into()), block_bytes.into()).unwrap();
            let uuid = table.uuid(2);
            assert_eq!(
                uuid.as_deref(),
                Some("6d2b7a1e-3f54-4c0e-9d0a-0d5f1a6e2006")
            );
            assert_eq!(
                [0, 1, 3, 129].map(|number| table.uuid(number)),
                [const { None }; 4]
            );
        }
    }

    #[test]
    fn an_mbr_names_them_by_the_disk() {
        let mut disk = vec![0; 512];
        disk[440..444].copy_from_slice(&[0xef, 0xcd, 0xab, 0x01]);
        disk[510..512].copy_from_slice(&[0x55, 0xaa]);
        let table = read(disk, 512).unwrap();
        assert_eq!(table.uuid(1).as_deref(), Some("01abcdef-01"));
        assert_eq!(table.uuid(12).as_deref(), Some("01abcdef-0c"));
        assert_eq!(table.uuid(0), None);
    }

    /// A sound GPT with one place changed has nothing to say.
    #[track_caller]
    fn spoiled(spoil: impl Fn(&mut Vec<u8>)) {
        let mut disk = gpt(512);
        spoil(&mut disk);
        assert_eq!(read(disk, 512), None);
    }

    #[test]
    fn a_disk_without_a_table_names_none() {
        spoiled(|disk| disk[511] = 0);
        spoiled(|disk| disk.truncate(100));
        spoiled(|disk| disk[512] = b'e');
    }

    #[test]
    fn a_table_with_impossible_numbers_names_none() {
        spoiled(|disk| disk[512 + 82] = 1); // 65664 entries
        spoiled(|disk| disk[512 + 84] = 127);
        spoiled(|disk| disk[512 + 79] = 0xff); // entries far beyond the end
        spoiled(|disk| disk.truncate(1536));
    }
}
