//! The boot sector and what follows from it.

use crate::fields::{array, has, le16, le32, text};

/// How wide the entries of the allocation table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Fat12,
    Fat16,
    Fat32,
}

/// Where the root directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// FAT12 and FAT16: a fixed byte range.
    Fixed { offset: u64, len: u64 },
    /// FAT32: a chain like any other directory.
    Chain { cluster: u32 },
}

/// The geometry of a volume, in bytes.
#[derive(Debug, Clone)]
pub(super) struct Boot {
    pub(super) width: Width,
    pub(super) cluster_bytes: u64,
    pub(super) table_offset: u64,
    pub(super) data_offset: u64,
    /// How many clusters there are; their numbers start at 2.
    pub(super) clusters: u32,
    pub(super) total_bytes: u64,
    pub(super) root: Root,
    pub(super) serial: Option<u32>,
    pub(super) label: Option<String>,
}

impl Boot {
    /// `None` when the sector is not FAT's, or breaks one of its rules.
    pub(super) fn parse(sector: &[u8]) -> Option<Self> {
        if !looks_like_fat(sector)? {
            return None;
        }
        let sector_bytes = u64::from(le16(sector, 11)?);
        let per_cluster = u64::from(*sector.get(13)?);
        let reserved = u64::from(le16(sector, 14)?);
        let tables = u64::from(*sector.get(16)?);
        let table_short = u64::from(le16(sector, 22)?);
        let is_wide = table_short == 0;
        let table_sectors = if is_wide {
            u64::from(le32(sector, 36)?)
        } else {
            table_short
        };
        let root_bytes = if is_wide {
            0
        } else {
            u64::from(le16(sector, 17)?).checked_mul(32)?
        };
        let total = match le16(sector, 19)? {
            0 => u64::from(le32(sector, 32)?),
            short => u64::from(short),
        };
        let table_bytes = table_sectors.checked_mul(sector_bytes)?;
        let table_offset = reserved.checked_mul(sector_bytes)?;
        let root_offset = tables.checked_mul(table_bytes)?.checked_add(table_offset)?;
        let root_len = root_bytes.checked_next_multiple_of(sector_bytes)?;
        let data_offset = root_offset.checked_add(root_len)?;
        let total_bytes = total.checked_mul(sector_bytes)?;
        let cluster_bytes = per_cluster.checked_mul(sector_bytes)?;
        let by_size = total_bytes
            .checked_sub(data_offset)?
            .checked_div(cluster_bytes)?;
        // [FAT] 3.5: the count of clusters alone tells the type.
        let width = match by_size {
            _ if is_wide => Width::Fat32,
            0..4085 => Width::Fat12,
            4085.. => Width::Fat16,
        };
        let bits = width.bits();
        // Clusters without a table entry do not exist.
        let by_table = table_bytes
            .checked_mul(8)?
            .checked_div(bits)?
            .checked_sub(2)?;
        let clusters = u32::try_from(by_size.min(by_table)).ok()?;
        if clusters == 0 {
            return None;
        }
        let root = if is_wide {
            Root::Chain {
                cluster: le32(sector, 44)?,
            }
        } else {
            Root::Fixed {
                offset: root_offset,
                len: root_bytes,
            }
        };
        let extended = if is_wide { 66 } else { 38 };
        let (serial, label) = identity(sector, extended);
        let boot = Self {
            width,
            cluster_bytes,
            table_offset,
            data_offset,
            clusters,
            total_bytes,
            root,
            serial,
            label,
        };
        Some(boot)
    }

    /// The byte where `cluster` starts, if there is such a cluster.
    pub(super) fn cluster_offset(&self, cluster: u32) -> Option<u64> {
        let index = cluster
            .checked_sub(2)
            .filter(|&index| index < self.clusters)?;
        u64::from(index)
            .checked_mul(self.cluster_bytes)?
            .checked_add(self.data_offset)
    }
}

impl Width {
    pub(super) fn bits(self) -> u64 {
        match self {
            Self::Fat12 => 12,
            Self::Fat16 => 16,
            Self::Fat32 => 32,
        }
    }
}

/// \[FAT\] 3.1: the rules that every boot sector keeps.
fn looks_like_fat(sector: &[u8]) -> Option<bool> {
    let sector_bytes = le16(sector, 11)?;
    let per_cluster = *sector.get(13)?;
    let media = *sector.get(21)?;
    let jump: [u8; 3] = array(sector, 0)?;
    let jumps = matches!(jump, [0xeb, _, 0x90] | [0xe9, _, _]);
    let named = has(sector, 0x36, b"FAT") || has(sector, 0x52, b"FAT32");
    let signed = has(sector, 510, &[0x55, 0xaa]);
    Some(
        sector_bytes.is_power_of_two()
            && (512..=4096).contains(&sector_bytes)
            && per_cluster.is_power_of_two()
            && le16(sector, 14)? != 0
            && matches!(sector.get(16)?, 1 | 2)
            && (media == 0xf0 || media >= 0xf8)
            && (named || (jumps && signed)),
    )
}

/// Serial number and label, present from the extended signature on.
fn identity(sector: &[u8], at: usize) -> (Option<u32>, Option<String>) {
    let signature = sector.get(at).copied();
    if !matches!(signature, Some(0x28 | 0x29)) {
        return (None, None);
    }
    let serial = at.checked_add(1).and_then(|at| le32(sector, at));
    let label = at.checked_add(5).and_then(|at| text(sector, at, 11));
    (
        serial,
        label.filter(|label| signature == Some(0x29) && !label.is_empty()),
    )
}
