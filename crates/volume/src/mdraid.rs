//! Linux software RAID. \[md\] `include/uapi/linux/raid/md_p.h` of Linux, and md(4).
//!
//! Read are RAID1 (one member is enough) and linear arrays; others get a name.

mod array;
mod current;
mod old;

pub(crate) use array::build;

use detente_block::{ReadError, Window};

/// What a member says of its array and of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// The array's identity, as mdadm prints it.
    pub(crate) uuid: String,
    /// The array's own name, without the host it was made on; empty if it has none.
    pub(crate) name: String,
    /// The number of its device, which version 0.90 records.
    minor: Option<u32>,
    /// \[md\] 1 for RAID1, -1 for linear.
    level: i32,
    /// How many devices the array should have.
    devices: u32,
    /// What each device of a RAID1 holds, in bytes; 0 where the level has none.
    size: u64,
    /// For linear: members hold a multiple of it.
    chunk: u64,
    /// Where the data starts on the member, and how much there is.
    data: (u64, u64),
    /// The member's place in the array; none for a spare, one that failed or is being rebuilt.
    role: Option<u32>,
    /// Grows with each change: the highest counts.
    events: u64,
    /// Whether the array was stopped properly.
    clean: bool,
    /// Whether data is being moved to another layout.
    reshaping: bool,
}

/// Reads the superblock of a member; none if there is none, or the rule that it breaks.
pub(crate) fn read(window: &Window) -> Result<Option<Result<Member, &'static str>>, ReadError> {
    match current::read(window)? {
        Some(found) => Ok(Some(found)),
        None => old::read(window),
    }
}

/// mdadm's way to print an identity: four words.
fn uuid(id: [u8; 16]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(35);
    for (index, byte) in id.iter().enumerate() {
        if matches!(index, 4 | 8 | 12) {
            out.push(':');
        }
        let _ = write!(out, "{byte:02x}");
    }
    out
}
