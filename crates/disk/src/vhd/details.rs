//! What there is to say of a VHD file.

use super::footer::{Footer, VhdDiskType, VhdSizeRule};
use super::geometry::VhdGeometry;
use super::parent::VhdParent;

/// What there is to say of a VHD file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VhdDetails {
    /// How its blocks are allocated.
    pub disk_type: VhdDiskType,
    /// The program that made it: four characters, `win ` for Hyper-V.
    pub creator_application: [u8; 4],
    /// That program's version: the major number is in the upper half.
    pub creator_version: u32,
    /// The system it ran on: `Wi2k` or `Mac `.
    pub creator_host_os: [u8; 4],
    /// The size that the disk was made with, in bytes.
    pub original_size: u64,
    /// The size that the footer states, in bytes.
    pub current_size: u64,
    /// The size that the footer states in cylinders, heads and sectors.
    pub geometry: VhdGeometry,
    /// Which of both is the disk's size.
    pub size_rule: VhdSizeRule,
    /// What a child calls its parent by.
    pub unique_id: [u8; 16],
    /// When it was made: seconds since the year 2000 began, in UTC.
    pub timestamp: u32,
    /// Whether it may be deleted on shutdown.
    pub temporary: bool,
    /// Whether a saved state of a machine goes with it.
    pub saved_state: bool,
    /// The size of a block, unless it is fixed.
    pub block_bytes: Option<u32>,
    /// The parent of a differencing disk.
    pub parent: Option<VhdParent>,
}

impl VhdDetails {
    pub(super) fn new(
        footer: &Footer,
        block_bytes: Option<u32>,
        parent: Option<VhdParent>,
    ) -> Self {
        Self {
            disk_type: footer.disk_type,
            creator_application: footer.creator_application,
            creator_version: footer.creator_version,
            creator_host_os: footer.creator_host_os,
            original_size: footer.original_size,
            current_size: footer.current_size,
            geometry: footer.geometry,
            size_rule: footer.size_rule(),
            unique_id: footer.unique_id,
            timestamp: footer.timestamp,
            temporary: footer.is_temporary(),
            saved_state: footer.saved_state,
            block_bytes,
            parent,
        }
    }
}
