//! What a conversion did.

use crate::LostRange;

/// What a conversion did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvertReport {
    /// The size of the disk, which the format may have rounded up.
    pub virtual_size: u64,
    /// How many bytes of the guest's view the source holds.
    pub data_bytes: u64,
    /// Of these, how many went inside the kernel: shared between the files where the file system
    /// can, copied where it cannot.
    pub kernel_bytes: u64,
    /// How many went through our buffers.
    pub buffered_bytes: u64,
    /// How many turned out to be zero and were left out.
    pub zero_bytes: u64,
    /// How long the new file is.
    pub file_bytes: u64,
    /// How much room it takes, as the file system says.
    pub allocated_bytes: u64,
    /// How long it took to bring it, and its name, to stable storage.
    pub flush_time: std::time::Duration,
    /// What could not be read and became zeroes, in order; at most
    /// [`MAX_LOST_RANGES`](crate::MAX_LOST_RANGES) ranges.
    pub lost: Vec<LostRange>,
    /// How many bytes that was, those of ranges beyond the limit included.
    pub lost_bytes: u64,
}
