//! LVM2: physical volumes, their metadata, and the logical volumes that it describes. \[LVM2\] the
//! layouts as `lvm2`'s own `lib/format_text/layout.h` and `vgcfgbackup` files have them.
//!
//! Read are linear and striped segments, mirrors and RAID1 (one leg). What else there is gets a
//! name. Of metadata at most 4 MiB are read, and 100,000 of its nodes kept, about 16 MiB at worst.

mod area;
mod build;
#[cfg(test)]
mod crafted;
mod group;
mod label;
mod leg;
mod segment;
mod text;

use detente_block::Window;

pub(crate) use build::{LogicalVolume, build};
pub(crate) use group::Group;
pub(crate) use label::{PhysicalVolume, read};

/// \[LVM2\] `lib/misc/crc.c`: the usual polynomial, another start, no inversion.
fn checksum(bytes: &[u8]) -> u32 {
    const START: u32 = 0xf597_a6cf;
    let mut hasher = crc32fast::Hasher::new_with_initial(!START);
    hasher.update(bytes);
    !hasher.finalize()
}

/// Metadata is text or holds an identifier of 32 letters, which LVM prints in groups.
fn plain_id(id: &str) -> String {
    id.chars().filter(|&letter| letter != '-').collect()
}

/// For the exerciser: metadata without the checksum that guards it, all of its physical volumes
/// on `window`.
pub(crate) fn exercise(text: &str, window: &Window) -> Vec<LogicalVolume> {
    let Ok(group) = Group::parse(text) else {
        return Vec::new();
    };
    let held = group.physical_ids().map(|id| (id, window.clone()));
    build(&group, &held.collect()).unwrap_or_default()
}
