//! The options of a new VHDX image.

/// The options of a new VHDX image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VhdxSpec {
    /// How its blocks are allocated.
    pub kind: VhdxKind,
    /// The size of a block: a power of two, 1 to 256 MiB.
    pub block_bytes: u32,
    /// The sector that the guest sees: 512 or 4096 bytes.
    pub logical_sector_bytes: u32,
    /// The sector of the medium: 512 or 4096 bytes.
    pub physical_sector_bytes: u32,
}

/// How the blocks of a VHDX image are allocated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VhdxKind {
    /// All of them, from the start.
    Fixed,
    /// Those that hold something.
    Dynamic,
    /// Those that differ from a parent's.
    Differencing(VhdxParent),
}

/// The parent of a differencing VHDX image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VhdxParent {
    /// The parent's `DataWriteGuid`, as it stands in its header.
    pub data_write_guid: [u8; 16],
    /// The parent's `VirtualDiskId`, which its children share (\[MS-VHDX\] 2.6.1.2: items of the
    /// virtual disk are copied to a fork).
    pub virtual_disk_id: [u8; 16],
    /// Its path from the child's folder, with backslashes.
    pub relative_path: String,
    /// Its whole path, if it is to be written down.
    pub absolute_path: Option<String>,
}

impl Default for VhdxSpec {
    /// What `New-VHD -Dynamic` makes: blocks of 32 MiB, sectors of 512 bytes on a medium of 4096.
    fn default() -> Self {
        Self {
            kind: VhdxKind::Dynamic,
            block_bytes: 32 << 20,
            logical_sector_bytes: 512,
            physical_sector_bytes: 4096,
        }
    }
}
