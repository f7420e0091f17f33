//! What the metadata items say of the disk, and what follows for the BAT. \[MS-VHDX\] 2.5, 2.6.2.

use detente_block::BlockRead;

use super::fault::{Fault, Rule};
use super::field::{MIB, u32_at};
use super::metadata::MetadataTable;
use super::metadata_item::{
    FILE_PARAMETERS, Known, LOGICAL_SECTOR_SIZE, PHYSICAL_SECTOR_SIZE, VIRTUAL_DISK_SIZE,
};

/// \[MS-VHDX\] 2.6.2.2.
pub(super) const MAX_VIRTUAL_SIZE: u64 = 64 << 40;
/// Sectors that one sector bitmap block describes: a bit for each, in 1 MiB.
const SECTORS_PER_CHUNK: u64 = 1 << 23;

const BLOCK_SIZE: Rule = Rule::new("vhdx.metadata.block-size", "[MS-VHDX] 2.6.2.1");
const DISK_SIZE: Rule = Rule::new("vhdx.metadata.disk-size", "[MS-VHDX] 2.6.2.2");
const SECTOR_SIZE: Rule = Rule::new("vhdx.metadata.sector-size", "[MS-VHDX] 2.6.2.4");
const PHYSICAL_SIZE: Rule = Rule::new("vhdx.metadata.physical-sector-size", "[MS-VHDX] 2.6.2.5");

/// Sizes that were held against the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) virtual_size: u64,
    /// A power of two, 1 to 256 MiB.
    pub(super) block_bytes: u32,
    /// 512 or 4096.
    pub(super) logical_sector_bytes: u32,
    /// 512 or 4096.
    pub(super) physical_sector_bytes: u32,
    pub(super) leave_blocks_allocated: bool,
    pub(super) has_parent: bool,
}

/// What an entry of the BAT is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// The payload block of this number.
    Payload(u64),
    /// The sector bitmap block of this number.
    Bitmap(u64),
}

impl Geometry {
    /// Reads the items.
    pub(super) fn read(file: &dyn BlockRead, table: &MetadataTable) -> Result<Self, Fault> {
        let (parameters, at) = table.item_of::<8>(file, FILE_PARAMETERS)?;
        let block_bytes = u32_at(&parameters, 0);
        if !is_block_size(block_bytes) {
            let what = format!(
                "the block size is {block_bytes:#x}, not a power of two from 1 MiB to 256 MiB"
            );
            return Err(BLOCK_SIZE.broken(at, what));
        }
        let flags = u32_at(&parameters, 4);
        let logical = sector_size(file, table, LOGICAL_SECTOR_SIZE, SECTOR_SIZE)?;
        let physical = sector_size(file, table, PHYSICAL_SECTOR_SIZE, PHYSICAL_SIZE)?;
        let (size, at) = table.item_of(file, VIRTUAL_DISK_SIZE)?;
        let virtual_size = u64::from_le_bytes(size);
        if virtual_size > MAX_VIRTUAL_SIZE || !virtual_size.is_multiple_of(u64::from(logical)) {
            let what = format!(
                "the virtual disk size is {virtual_size:#x}, more than 64 TiB or not a multiple of \
                 the logical sector size"
            );
            return Err(DISK_SIZE.broken(at, what));
        }
        Ok(Self {
            virtual_size,
            block_bytes,
            logical_sector_bytes: logical,
            physical_sector_bytes: physical,
            leave_blocks_allocated: flags & 1 != 0,
            has_parent: flags & 2 != 0,
        })
    }

    pub(super) fn block_len(&self) -> u64 {
        u64::from(self.block_bytes)
    }

    /// How many payload blocks there are.
    pub(super) fn blocks(&self) -> u64 {
        self.virtual_size.div_ceil(self.block_len())
    }

    /// The payload blocks between two sector bitmap blocks: 16 to 32768.
    pub(super) fn chunk_ratio(&self) -> u64 {
        let chunk = SECTORS_PER_CHUNK.saturating_mul(u64::from(self.logical_sector_bytes));
        chunk.checked_div(self.block_len()).unwrap_or(1).max(1)
    }

    fn stride(&self) -> u64 {
        self.chunk_ratio().saturating_add(1)
    }

    /// How many entries the BAT has to have.
    pub(super) fn bat_entries(&self) -> u64 {
        let blocks = self.blocks();
        if self.has_parent {
            // The last sector bitmap block comes behind a whole chunk.
            let chunks = blocks.div_ceil(self.chunk_ratio());
            return chunks.saturating_mul(self.stride());
        }
        match blocks.checked_sub(1) {
            Some(last) => self.payload_index(last).saturating_add(1),
            None => 0,
        }
    }

    /// Which chunk a block is in.
    pub(super) fn chunk_of(&self, block: u64) -> u64 {
        block.checked_div(self.chunk_ratio()).unwrap_or_default()
    }

    /// A block's place in its chunk.
    pub(super) fn in_chunk(&self, block: u64) -> u64 {
        block.checked_rem(self.chunk_ratio()).unwrap_or_default()
    }

    /// Which entry of the BAT is the block's.
    pub(super) fn payload_index(&self, block: u64) -> u64 {
        block.saturating_add(self.chunk_of(block))
    }

    /// Which entry of the BAT is the chunk's sector bitmap block's.
    pub(super) fn bitmap_index(&self, chunk: u64) -> u64 {
        let behind = chunk.saturating_add(1).saturating_mul(self.stride());
        behind.saturating_sub(1)
    }

    /// What an entry is for.
    pub(super) fn slot(&self, index: u64) -> Slot {
        let stride = self.stride();
        let chunk = index.checked_div(stride).unwrap_or_default();
        let within = index.checked_rem(stride).unwrap_or_default();
        if within == self.chunk_ratio() {
            return Slot::Bitmap(chunk);
        }
        Slot::Payload(index.saturating_sub(chunk))
    }

    /// How many bytes of sector bitmap describe one block: up to 64 KiB.
    pub(super) fn bits_len(&self) -> u64 {
        let sectors = self.block_len().checked_div(self.sector_len());
        sectors.unwrap_or_default().div_ceil(8)
    }

    pub(super) fn sector_len(&self) -> u64 {
        u64::from(self.logical_sector_bytes)
    }

    /// Where a block starts in the guest's view.
    pub(super) fn block_start(&self, block: u64) -> u64 {
        block.saturating_mul(self.block_len())
    }

    /// How much of the guest's view the blocks from `block` up to `end` are.
    pub(super) fn stretch(&self, block: u64, end: u64) -> u64 {
        let end = self.block_start(end).min(self.virtual_size);
        end.saturating_sub(self.block_start(block))
    }

    /// How much of a block the guest sees: the last may be cut.
    pub(super) fn visible(&self, block: u64) -> u64 {
        let rest = self.virtual_size.saturating_sub(self.block_start(block));
        rest.min(self.block_len())
    }
}

/// \[MS-VHDX\] 2.6.2.1.
pub(super) fn is_block_size(bytes: u32) -> bool {
    bytes.is_power_of_two() && (MIB..=256 * MIB).contains(&u64::from(bytes))
}

/// \[MS-VHDX\] 2.6.2.4 and 2.6.2.5.
pub(super) fn is_sector_size(bytes: u32) -> bool {
    bytes == 512 || bytes == 4096
}

fn sector_size(
    file: &dyn BlockRead,
    table: &MetadataTable,
    known: Known,
    rule: Rule,
) -> Result<u32, Fault> {
    let (bytes, at) = table.item_of(file, known)?;
    let size = u32::from_le_bytes(bytes);
    if is_sector_size(size) {
        return Ok(size);
    }
    let what = format!("the {} is {size}, neither 512 nor 4096", known.name);
    Err(rule.broken(at, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(virtual_size: u64, block_bytes: u32, sector: u32, has_parent: bool) -> Geometry {
        Geometry {
            virtual_size,
            block_bytes,
            logical_sector_bytes: sector,
            physical_sector_bytes: 4096,
            leave_blocks_allocated: false,
            has_parent,
        }
    }

    #[test]
    fn the_chunk_ratio_is_that_of_the_specification() {
        // [MS-VHDX] 2.4: 2^23 sectors a chunk.
        for (block_mib, sector, ratio) in [
            (1, 512, 4096),
            (32, 512, 128),
            (256, 512, 16),
            (1, 4096, 32768),
            (256, 4096, 128),
        ] {
            let geometry = geometry(1 << 40, block_mib << 20, sector, false);
            assert_eq!(geometry.chunk_ratio(), ratio, "{block_mib} {sector}");
        }
    }

    #[test]
    fn entries_of_payload_and_bitmaps_alternate() {
        let dynamic = geometry(64 << 40, 32 << 20, 512, false);
        let blocks = 2 << 20;
        assert_eq!(dynamic.blocks(), blocks);
        assert_eq!(dynamic.bat_entries(), blocks + (blocks - 1) / 128);
        assert_eq!(dynamic.payload_index(127), 127);
        assert_eq!(dynamic.bitmap_index(0), 128);
        assert_eq!(dynamic.payload_index(128), 129);
        assert_eq!(dynamic.bitmap_index(1), 257);
        for block in [0, 1, 127, 128, 129, 255, 256, 1_000_000] {
            assert_eq!(
                dynamic.slot(dynamic.payload_index(block)),
                Slot::Payload(block)
            );
        }
        assert_eq!(dynamic.slot(257), Slot::Bitmap(1));
        // A differencing file's BAT ends with a sector bitmap block's entry.
        assert_eq!(geometry(512, 1 << 20, 512, true).bat_entries(), 4097);
        assert_eq!(geometry(512, 1 << 20, 512, false).bat_entries(), 1);
        assert_eq!(geometry(0, 1 << 20, 512, false).bat_entries(), 0);
    }
}
