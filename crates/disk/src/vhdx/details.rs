//! What there is to say of a VHDX file.

use crate::guid::Guid;

/// What there is to say of a VHDX file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VhdxDetails {
    /// Who made it, as it says itself; may be empty.
    pub creator: String,
    /// The format's version: 1.
    pub version: u16,
    /// How its blocks are allocated.
    pub allocation: VhdxAllocation,
    /// Whether blocks are to stay where they are once allocated.
    pub leave_blocks_allocated: bool,
    /// The size of a block.
    pub block_bytes: u32,
    /// The sector that the guest sees.
    pub logical_sector_bytes: u32,
    /// The sector of the medium.
    pub physical_sector_bytes: u32,
    /// The current header's sequence number.
    pub sequence_number: u64,
    /// Changes when anything in the file does.
    pub file_write_guid: Guid,
    /// Changes when the guest's data does; children know their parent by it.
    pub data_write_guid: Guid,
    /// The disk's own id, which the guest sees (SCSI page 83).
    pub virtual_disk_id: Guid,
    /// The length of the log.
    pub log_bytes: u32,
    /// What is in the log.
    pub log: VhdxLog,
    /// The keys and values of the parent locator, as they stand; empty without a parent.
    pub parent_locator: Vec<(String, String)>,
}

/// How the blocks of a VHDX file are allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VhdxAllocation {
    /// All of them, from the start.
    Fixed,
    /// When they are written to.
    Dynamic,
    /// The same, over a parent.
    Differencing,
}

impl VhdxAllocation {
    /// Its name in the specification, in small letters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Dynamic => "dynamic",
            Self::Differencing => "differencing",
        }
    }
}

/// What is in the log of a VHDX file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VhdxLog {
    /// Nothing: the file was closed.
    Empty,
    /// Writes that may not have reached their places. They are replayed in memory; the file stays as
    /// it is.
    Replayed {
        /// How many entries the active sequence has.
        entries: usize,
        /// How many writes they are.
        writes: usize,
    },
}
